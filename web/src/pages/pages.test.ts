import { expect, test } from 'vitest'
import { menuFor, placeOf } from '../frame/menu'
import { words } from '../i18n/words'
import { phrase, textOf, wordOf } from '../i18n'
import { asDataset, asForm, blank, formPath } from './catalog/form'
import { growth, stack } from './events/counts'
import { heatWords } from './events/heat'
import { readVerdict } from './evidence/verifier'
import { safePlace } from './place'
import { asRequest, firstAsk, operatorsFor, valueFault } from './use/ask-form'

test('every phrase has both languages and the same blanks to fill', () => {
  const blanks = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()
  for (const [key, [zh, en]] of Object.entries(words)) {
    expect(zh, key).not.toBe('')
    expect(en, key).not.toBe('')
    expect(blanks(en), key).toEqual(blanks(zh))
  }
})

test('a value without a phrase is shown as it is', () => {
  expect(wordOf('zh', 'state', 'draft')).toBe('草稿')
  expect(wordOf('en', 'state', 'unheard-of')).toBe('unheard-of')
  expect(phrase('en', 'table.page', { page: 3 })).toBe('Page 3')
  expect(textOf('en', { zh: '水', en: '' })).toBe('水')
})

test('the menu holds only what the roles may use', () => {
  const paths = (roles: string[]) => menuFor(roles).flatMap((s) => s.places.map((p) => p.path))
  expect(paths(['department'])).not.toContain('/workbench')
  expect(paths(['analyst'])).toContain('/workbench')
  expect(paths([])).toContain('/verify')
  expect(paths(['steward'])).not.toContain('/accounts')
})

test('an address belongs to the longest place that begins it', () => {
  expect(placeOf('/datasets/ds_1/edit')?.path).toBe('/datasets')
  expect(placeOf('/')?.path).toBe('/')
  expect(placeOf('/nowhere')).toBeUndefined()
})

test('the sign-in leads to places of this console alone', () => {
  expect(safePlace('/grants?mine=1')).toBe('/grants?mine=1')
  for (const foreign of ['https://x', '//x', '/\\x', null]) expect(safePlace(foreign)).toBe('/')
})

test('a field as the service names it finds its input', () => {
  expect(formPath('fields[2].name')).toEqual(['fields', 2, 'name'])
  expect(formPath('dataset.openness_reason')).toEqual(['opennessReason'])
  expect(formPath('title.zh')).toEqual(['title', 'zh'])
  expect(formPath('elsewhere')).toBeNull()
})

test('a dataset goes through the form and back', () => {
  const sent = asDataset({ ...blank, title: { zh: ' 水质 ', en: '' }, opennessReason: 'x', keywords: [' 水 ', ''] })
  expect(sent).toMatchObject({ title: { zh: '水质', en: '' }, opennessReason: '', keywords: ['水'] })
  expect(asForm({ ...sent, fields: sent.fields } as never).fields).toHaveLength(1)
})

test('a request offers no personal column at first and sends no filter for all rows', () => {
  const fields = [
    { name: 'street', sensitivity: 'none' },
    { name: 'contact', sensitivity: 'personal' },
  ] as never
  const v = firstAsk(fields, new Date('2026-11-24T00:00:00Z'))
  expect(v.columns).toEqual(['street'])
  expect(asRequest('ds_1', { ...v, rows: 'all' })).toMatchObject({ allRows: true, filter: [], notBefore: '2026-11-24T00:00:00+08:00' })
  expect(asRequest('ds_1', { ...v, filter: [{ column: 'street', op: 'in', values: ['a', ' '] }] })).toMatchObject({ filter: [{ values: ['a'] }] })
})

test('values and operators follow the type of the column', () => {
  expect(operatorsFor('string')).not.toContain('lt')
  expect(operatorsFor('datetime')).not.toContain('startswith')
  expect(valueFault('integer', '1.5')).toBe('ask.notInteger')
  expect(valueFault('decimal', '1.5')).toBeNull()
  expect(valueFault('decimal', ' ')).toBe('ask.notNumber')
  expect(valueFault('date', 'tomorrow')).toBe('ask.notDate')
})

test('small classes are put together, and no report is lost', () => {
  const rows = ['a', 'b', 'c'].flatMap((c, n) => [{ day: '2026-11-23', class: c, count: String(10 - n) }, { day: '2026-11-24', class: c, count: '1' }])
  const { days, series } = stack(rows, 1, 'other')
  expect(days).toEqual(['2026-11-23', '2026-11-24'])
  expect(series).toEqual([{ name: 'a', values: [10, 1] }, { name: 'other', values: [17, 2] }])
  expect(growth({ word: 'x', count: '1', share: 2, shareBefore: 0 })).toBeGreaterThan(1000)
})

test('the legend of a map names every count once', () => {
  expect(heatWords(2).map((s) => [s.from, s.to])).toEqual([[0, 0], [1, 1], [2, 2]])
})

test('only the two words that say so count as proven', () => {
  expect(readVerdict('{"word":"record-proven","checked":["form"],"notChecked":[]}').proven).toBe(true)
  expect(readVerdict('{"word":"untrusted","fault":{"part":"entry","reason":"x"}}')).toMatchObject({ proven: false, fault: { part: 'entry' } })
  expect(readVerdict('{}').proven).toBe(false)
})
