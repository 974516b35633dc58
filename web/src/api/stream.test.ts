import { expect, test } from 'vitest'
import { eventParser, lineCutter, type ServerEvent } from './stream'

test('lines are cut whatever the chunks are', () => {
  const lines: string[] = []
  const cut = lineCutter((l) => lines.push(l))
  for (const chunk of ['a', 'b\r', '\nc\n', '\n']) cut(chunk)
  expect(lines).toEqual(['ab', 'c', ''])
})

test('events carry their name and all lines of data; comments are passed over', () => {
  const events: ServerEvent[] = []
  const parse = eventParser((e) => events.push(e))
  for (const line of [': beat', '', 'event: reading', 'data: {"a":1,', 'data:"b":2}', '', 'data: x', '']) parse(line)
  expect(events).toEqual([
    { event: 'reading', data: '{"a":1,\n"b":2}' },
    { event: 'message', data: 'x' },
  ])
})
