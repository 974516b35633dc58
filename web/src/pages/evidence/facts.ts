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
  if (Array.isArray(value)) return value.map((v) => (typeof v === 'object' ? JSON.stringify(v) : String(v))).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
