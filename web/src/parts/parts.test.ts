import { expect, test } from 'vitest'
import { csv, figure, share, whole } from './figures'
import { indexSpots, middle, nearestSpot, outline, project, readAreas } from './geo'
import { readFilters, writeFilters } from './paged'
import { day, daysFrom, endOfDay, isPast, minute, second, startOfDay } from './time'

test('times are shown in Shanghai whatever the zone', () => {
  expect(minute('2026-11-24T16:30:05Z')).toBe('2026-11-25 00:30')
  expect(second('2026-11-24T16:30:05Z')).toBe('2026-11-25 00:30:05')
  expect(day('2026-12-31T16:00:00Z')).toBe('2027-01-01')
  expect(minute(undefined)).toBe('')
  expect(minute('nonsense')).toBe('')
})

test('a day reaches from its first to its last second in Shanghai', () => {
  expect(new Date(startOfDay('2026-11-24')).toISOString()).toBe('2026-11-23T16:00:00.000Z')
  expect(new Date(endOfDay('2026-11-24')).toISOString()).toBe('2026-11-24T15:59:59.000Z')
  expect(daysFrom(new Date('2026-02-27T16:00:00Z'), 1)).toBe('2026-03-01')
})

test('only a time before now is past', () => {
  const now = new Date('2026-11-24T00:00:00Z')
  expect(isPast('2026-11-23T23:59:59Z', now)).toBe(true)
  expect(isPast(null, now)).toBe(false)
})

test('64-bit integers stay exact', () => {
  expect(whole('9007199254740993')).toBe('9,007,199,254,740,993')
  expect(whole(-1234)).toBe('-1,234')
  expect(whole('')).toBe('')
})

test('figures are short and honest', () => {
  expect(figure(0.1 + 0.2)).toBe('0.3')
  expect(figure(12345)).toBe('12,345')
  expect(share('3', '4')).toBe('75.0%')
  expect(share(0, 0)).toBe('')
})

test('a cell cannot become a formula or a second cell', () => {
  expect(csv([['=1+1', '-3', 'a,"b"', '普陀\n区']])).toBe('\'=1+1,-3,"a,""b""","普陀\n区"\r\n')
})

test('filters are read from and written to an address', () => {
  expect(readFilters(new URLSearchParams('state=draft&x=1'), ['state', 'query'])).toEqual({ state: 'draft', query: '' })
  expect(writeFilters(new URLSearchParams('state=draft&x=1'), { state: '', query: '水' }).toString()).toBe('x=1&query=%E6%B0%B4')
})

const square = JSON.stringify({
  type: 'FeatureCollection',
  features: [
    { properties: { id: 'caoyang-01', kind: 'grid', name: '一', name_en: 'One', street: 'caoyang' }, geometry: { type: 'Polygon', coordinates: [[[121.3, 31.2], [121.4, 31.2], [121.4, 31.3], [121.3, 31.3], [121.3, 31.2]]] } },
    { properties: { id: 'x' }, geometry: { type: 'Point', coordinates: [0, 0] } },
    {},
  ],
})

test('areas are read, projected and closed', () => {
  const areas = readAreas(square)
  expect(areas.map((a) => a.id)).toEqual(['caoyang-01', 'x'])
  const { at, width, height } = project(areas, 200)
  const [x, y] = at(121.3, 31.3)
  expect([x, y]).toEqual([10, 10])
  expect(width).toBe(200)
  expect(height).toBeGreaterThan(200) // a tenth of a degree is longer northwards
  expect(outline(areas[0]!, at)).toMatch(/^M10\.0,.*Z$/)
  expect(middle(areas[0]!, at)[0]).toBeCloseTo(100)
})

test('the dot under the pointer is the nearest one in reach, the upper one of two', () => {
  const spots = [{ id: 'a', x: 10, y: 10 }, { id: 'b', x: 15.9, y: 10 }, { id: 'c', x: 16.1, y: 10 }, { id: 'd', x: 10, y: 10 }]
  const index = indexSpots(spots)
  expect(nearestSpot(index, 17, 11, 8)?.id).toBe('c')
  expect(nearestSpot(index, 10, 11, 8)?.id).toBe('d')
  expect(nearestSpot(index, 60, 60, 8)).toBeNull()
})
