// Numbers as people read them. 64-bit integers come as text and stay exact.
import { send } from '../api/call'

/** whole groups the digits of an integer given as a number or as text: "1234567" → "1,234,567". */
export function whole(n: number | string | undefined | null): string {
  if (n === undefined || n === null || n === '') return ''
  const text = typeof n === 'number' ? String(Math.trunc(n)) : n
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** figure keeps at most four significant decimals, for measured values. */
export function figure(n: number | undefined | null): string {
  if (n === undefined || n === null) return ''
  if (!Number.isFinite(n)) return String(n)
  return Number.isInteger(n) ? whole(n) : String(Number(n.toPrecision(5)))
}

const signs: Record<string, string> = { '1': '', '[pH]': '', Cel: '°C', m2: 'm²', m3: 'm³', 'm/s2': 'm/s²' }

/** unitSign shows a unit of UCUM as people write it; a number without a dimension has none. */
export function unitSign(ucum: string): string {
  return signs[ucum] ?? ucum
}

/** share is a percentage of two counts, or an empty text when nothing was due. */
export function share(part: string | number, of: string | number): string {
  const whole = Number(of)
  return whole > 0 ? `${((Number(part) / whole) * 100).toFixed(1)}%` : ''
}

/** csv writes rows by RFC 4180; a cell that a spreadsheet would run as a formula is made text. */
export function csv(rows: string[][]): string {
  const cell = (value: string) => {
    const safe = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return rows.map((r) => r.map(cell).join(',')).join('\r\n') + '\r\n'
}

/** save hands a text to the user as a file. The BOM lets spreadsheets read Chinese. */
export function save(name: string, type: string, content: string) {
  const bom = type.startsWith('text/csv') ? '\ufeff' : ''
  saveBlob(name, new Blob([bom, content], { type }))
}

/** fetchFile asks the service for a file and hands it to the user. */
export async function fetchFile(path: string, name: string) {
  saveBlob(name, await (await send(path)).blob())
}

export function saveBlob(name: string, blob: Blob) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
