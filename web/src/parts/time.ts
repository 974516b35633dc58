// Times are shown in Asia/Shanghai with the date, whatever the browser's zone is.

const zone = 'Asia/Shanghai'
const partsOf = new Intl.DateTimeFormat('en-CA', {
  timeZone: zone, hourCycle: 'h23',
  year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
})

function split(at: Date): Record<string, string> {
  return Object.fromEntries(partsOf.formatToParts(at).map((p) => [p.type, p.value]))
}

function parse(at: string | null | undefined): Date | null {
  if (!at) return null
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? null : date
}

/** minute is "2026-11-24 18:05" in Shanghai; empty for no time. */
export function minute(at: string | null | undefined): string {
  const date = parse(at)
  if (!date) return ''
  const p = split(date)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}`
}

/** second is like minute, with seconds: for streams and evidence. */
export function second(at: string | null | undefined): string {
  const date = parse(at)
  if (!date) return ''
  const p = split(date)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`
}

/** day is the date alone, in Shanghai. */
export function day(at: string | Date | null | undefined): string {
  const date = at instanceof Date ? at : parse(at)
  if (!date) return ''
  const p = split(date)
  return `${p.year}-${p.month}-${p.day}`
}

/** startOfDay and endOfDay make RFC 3339 of a Shanghai date; Shanghai keeps +08:00 all year. */
export const startOfDay = (date: string) => `${date}T00:00:00+08:00`
export const endOfDay = (date: string) => `${date}T23:59:59+08:00`

/** daysFrom is the Shanghai date n days after now. */
export function daysFrom(now: Date, n: number): string {
  return day(new Date(now.getTime() + n * 86_400_000))
}

/** isPast tells whether a time lies before now. */
export function isPast(at: string | null | undefined, now: Date): boolean {
  const date = parse(at)
  return date !== null && date.getTime() < now.getTime()
}
