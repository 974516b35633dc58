import { expect, test } from 'vitest'
import { unitOf } from '../../i18n'
import { wedge } from './compass'
import { around, asSample, breaks, curve, join, nearestSample, tip } from './curve'
import { credentialFile, nothingTold, take } from './device-import-lines'
import { changedMask, deviceOf, blankDevice, formOf, readAttrs } from './device-form'
import { untilNow } from './gaps'
import { gradeName, tally, worstByDevice } from './grades'
import { sheetsOf } from './label-sheets'
import { lagWord, worstFirst } from './flow'
import { blankPermit, faultOf, permitOf, standing } from './permit'
import { byUrgency, withNews } from './worklist'

const sample = (at: number, value = 1, flags: string[] = []) => ({ at, value, min: value, max: value, count: 1, flags })
const words = { metric: 'm', unit: 'mm', band: 'b', flagged: 'f', flag: (f: string) => `<${f}>`, limit: () => 'l' }

test('what comes live joins what was loaded once and in order', () => {
  const all = join([sample(1000), sample(2000)], [sample(4000), sample(2000), sample(3000), sample(3000)], 1500)
  expect(all.map((s) => s.at)).toEqual([2000, 3000, 4000])
})

test('no line is drawn over a silence', () => {
  expect(breaks([sample(0), sample(10), sample(100)], 30).map((s) => s?.at ?? null)).toEqual([0, 10, null, 100])
  const option = curve([sample(0), sample(10), sample(100)], 30, 0, 100, [], words)
  expect(option.series[0]?.data).toEqual([[0, 1], [10, 1], [10, null], [100, 1]])
})

test('the band goes from least to most, and limits are lines', () => {
  const thinned = asSample({ at: '1970-01-01T00:00:01Z', value: -1, min: -3, max: 2, count: '7', flags: ['range'] })
  const option = curve([thinned], 1000, 0, 2000, [{ metric: 'm', side: 'above', value: 5, unit: 'mm', title: null, source: '' }], words)
  expect(option.series.map((s) => s.data)).toEqual([[[1000, -3]], [[1000, 5]], [[1000, -1]], [[1000, -1]]])
  expect(option.series[2]).toMatchObject({ markLine: { data: [{ yAxis: 5 }] } })
  expect(tip(thinned, words)).toContain('n = 7')
  expect(tip(thinned, words)).not.toContain('<range>')
  expect(nearestSample([sample(1), sample(9)], 6)?.at).toBe(9)
})

test('the gravest, then the unacknowledged, then the oldest come first; news change rows in their place', () => {
  const row = (id: string, grade: number, state: string, hour: number) => ({ id, grade, peakGrade: 3, state, raisedAt: `2026-11-24T0${hour}:00:00Z` })
  const sorted = byUrgency([row('a', 1, 'open', 1), row('b', 3, 'acknowledged', 1), row('c', 3, 'open', 3), row('d', 3, 'open', 2), row('e', 0, 'open', 9)])
  expect(sorted.map((r) => r.id)).toEqual(['d', 'c', 'e', 'b', 'a'])
  const news = new Map([['c', row('c', 3, 'handled', 3)], ['z', row('z', 3, 'open', 1)]])
  expect(withNews(sorted, news).map((r) => `${r.id} ${r.state}`)).toEqual(['d open', 'c handled', 'e open', 'b acknowledged', 'a open'])
})

test('a device has the colour of its worst standing alarm', () => {
  const alarm = (deviceId: string, grade: number, state: string) => ({ deviceId, grade, state })
  expect(worstByDevice([alarm('x', 1, 'open'), alarm('x', 2, 'acknowledged'), alarm('x', 3, 'withdrawn'), alarm('y', 3, 'handled')])).toEqual({ x: 2 })
  expect([0, 3, 9].map(gradeName)).toEqual(['none', 'urgent', 'none'])
  expect(tally(['a', 'b', 'a'], (w) => w)).toEqual({ a: 2, b: 1 })
})

test('the readings around an alarm reach before and after it', () => {
  const { from, to } = around({ rows: [], since: '2026-11-24T08:00:00Z', raisedAt: '2026-11-24T10:00:00Z', endedAt: null })
  expect([from.toISOString(), to.toISOString()]).toEqual(['2026-11-24T07:00:00.000Z', '2026-11-24T11:00:00.000Z'])
})

test('a device goes through its form and only what changed is named', () => {
  const typed = { ...blankDevice, id: 'lift-1', kind: 'lift', nameZh: ' 一号梯 ', owner: 'market', street: 'caoyang', system: 'gcj02', x: 121.4, y: 31.2, installed: '2026-11-24', attrs: 'inspection_due=2026-12-31\n' }
  const sent = deviceOf(typed)
  expect(sent).toMatchObject({ name: { zh: '一号梯', en: '' }, position: { system: 'gcj02', x: 121.4, y: 31.2 }, installed: '2026-11-23T16:00:00.000Z', attrs: { inspection_due: '2026-12-31' }, codec: '' })
  expect(sent).not.toHaveProperty('longitude')
  const stored = { ...sent, longitude: 121.39, latitude: 31.19, position: undefined, metrics: [] } as never
  const before = formOf(stored)
  expect(before).toMatchObject({ x: 121.39, installed: '2026-11-24', attrs: 'inspection_due=2026-12-31' })
  expect(changedMask(deviceOf(before), deviceOf({ ...before, maker: '某厂', attrs: '' }))).toBe('maker,attrs')
  expect(readAttrs('a=1\n=2').fault).toBe(2)
})

test('what needs someone stands above what flows, and a lag is told in a unit one reads', () => {
  const pipelines = ['ok', 'never', 'failing', 'behind', 'ok'].map((health, n) => ({ id: `p${n}`, figures: { health } }))
  expect(worstFirst(pipelines).map((p) => p.id)).toEqual(['p2', 'p3', 'p0', 'p4', 'p1'])
  const t = ((key: string, v: { n: string | number }) => `${v.n} ${key}`) as never
  expect([240, 2500, 600_000, 8_000_000].map((ms) => lagWord(ms, t))).toEqual(['240 lag.ms', '2.5 lag.s', '10 lag.min', '2 lag.h'])
})

test('the wedges of the compass close and begin at the top', () => {
  expect(wedge(0, 4, 10, 20)).toBe('M0.00,-10.00L0.00,-20.00A20,20 0 0 1 20.00,-0.00L10.00,-0.00A10,10 0 0 0 0.00,-10.00Z')
  expect(wedge(0, 1, 10, 20)).toContain(' 1 1 ')
})

test('a permit is in force only within its time, and not when it is revoked', () => {
  const p = { from: '2026-11-24T14:00:00Z', to: '2026-11-24T22:00:00Z', revoked: false }
  const at = (time: string) => standing(p, new Date(time))
  expect([at('2026-11-24T13:59:00Z'), at('2026-11-24T15:00:00Z'), at('2026-11-24T23:00:00Z')]).toEqual(['coming', 'inForce', 'over'])
  expect(standing({ ...p, revoked: true }, new Date('2026-11-24T15:00:00Z'))).toBe('revoked')
})

test('a permit is sent in Shanghai’s time, and not before its form is whole', () => {
  const form = { ...blankPermit, id: ' YS-1 ', site: '一号工地', from: '2026-11-24T22:00', to: '2026-11-25T06:00' }
  expect(permitOf(form)).toMatchObject({ id: 'YS-1', kind: 'night_work', from: '2026-11-24T14:00:00.000Z', to: '2026-11-24T22:00:00.000Z', revoked: false })
  expect(faultOf(form)).toBe('')
  expect(faultOf({ ...form, id: '' })).toBe('permit.needs')
  expect(faultOf({ ...form, to: '' })).toBe('permit.needsTimes')
  expect(faultOf({ ...form, to: form.from })).toBe('permit.order')
})

test('what is still to come is no gap of a device’s evidence, nor is the window that is not sealed yet', () => {
  const now = Date.parse('2026-11-24T12:00:00Z')
  const gap = (from: string, to: string) => ({ from: `2026-11-24T${from}Z`, to: `2026-11-24T${to}Z` })
  expect(untilNow([gap('10:00:00', '11:00:00')], now, 60)).toEqual([gap('10:00:00', '11:00:00')])
  expect(untilNow([gap('11:59:00', '23:00:00'), gap('13:00:00', '14:00:00')], now, 60)).toEqual([])
  expect(untilNow([gap('11:00:00', '23:00:00')], now, 60)).toEqual([gap('11:00:00', '12:00:00.000')])
})

test('units are written as people write them', () => {
  expect(['{report}', 'm/s2', '1', 'mg/L', 'Cel'].map((u) => unitOf('zh', u))).toEqual(['件', 'm/s²', '', 'mg/L', '°C'])
})

test('the answer of an import is put together, and its secrets are a file', () => {
  const told = nothingTold()
  for (const line of [{ fault: { row: 3, field: 'id', rule: 'r' } }, { credential: { id: 'a', secret: 's' } }, { progress: { rows: 3, registered: 1, known: 1, renewed: 0, refused: 1, lines: 4 } }]) take(told, line)
  expect(told).toMatchObject({ faults: [{ row: 3 }], credentials: [{ id: 'a' }], counts: null, progress: { rows: 3 } })
  expect(credentialFile(told.credentials)).toBe('id,secret\r\na,s\r\n')
})

test('labels fill sheets of 24, behind the places that are used', () => {
  const sheets = sheetsOf(Array.from({ length: 24 }, (_, n) => n), 2)
  expect(sheets.map((s) => s.length)).toEqual([24, 2])
  expect(sheets[0]?.slice(0, 3)).toEqual([null, null, 0])
  expect(sheetsOf([], 3)).toEqual([])
})
