import { type Words } from '../../i18n'
import { second } from '../../parts/time'

const times = ['from', 'to', 'certificatesJudgedAt', 'timestamp']

/** factsOf is what a verdict tells of its record, as names and text; empty ones are left out. Times are those of Shanghai. */
export function factsOf({ word }: Pick<Words, 'word'>, facts: Record<string, unknown>): [name: string, value: string][] {
  return Object.entries(facts)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => [word('verdictFact', name), valueText(word, name, value)])
}

function valueText(word: Words['word'], name: string, value: unknown): string {
  if (typeof value === 'string' && times.includes(name)) return second(value) || value
  if (name === 'kind') return `${word('action', String(value))} (${String(value)})`
  if (name === 'state') return word('caseState', String(value))
  if (Array.isArray(value)) return value.map((v) => itemText(word, v)).join('\n')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** itemText is one line of a list: a step, a segment, a reading, by what its reader knows it by. */
function itemText(word: Words['word'], item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item)
  const of = item as Record<string, unknown>
  const text = (name: string) => (of[name] === undefined ? '' : String(of[name]))
  const at = text('at') ? second(text('at')) : text('from') && `${second(text('from'))} – ${second(text('to'))}`
  const named = [text('seq') && `#${text('seq')}`, text('kind') && word('action', text('kind')), text('org'), text('subject'), text('metric'), text('value'), text('count'), at, text('shortCode') || text('record')]
  return named.filter(Boolean).join(' · ')
}
