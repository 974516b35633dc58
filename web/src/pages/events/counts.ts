// Counts by day and class, made ready for a stacked chart.
import { type DayCount, type HotWord } from '../../api/plinth'

export interface Stack {
  days: string[]
  series: { name: string; values: number[] }[]
}

/** stack keeps the biggest classes and puts the rest together, each with a value for every day. */
export function stack(rows: DayCount[], most: number, other: string): Stack {
  const days = [...new Set(rows.map((r) => r.day))].sort()
  const totals = new Map<string, number>()
  for (const r of rows) totals.set(r.class, (totals.get(r.class) ?? 0) + Number(r.count))
  const ranked = [...totals].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name)
  const kept = new Set(ranked.slice(0, most))
  const names = ranked.length > most ? [...kept, other] : [...kept]
  const values = new Map(names.map((n) => [n, days.map(() => 0)]))
  for (const r of rows) {
    const line = values.get(kept.has(r.class) ? r.class : other)
    const at = days.indexOf(r.day)
    if (line) line[at] = (line[at] ?? 0) + Number(r.count)
  }
  return { days, series: names.map((n) => ({ name: n.split('/').at(-1) || n, values: values.get(n) ?? [] })) }
}

/** growth is how many times more often a word comes than before; a new word sorts first. */
export function growth(w: HotWord): number {
  return w.shareBefore > 0 ? w.share / w.shareBefore : Number.MAX_SAFE_INTEGER
}
