// Grades of alarms: 1 notice 提示, 2 warning 预警, 3 urgent 紧急. A grade is always told as its word; the colour helps the eye.
import { type Alarm } from '../../api/plinth'

export const gradeNames = ['none', 'notice', 'warning', 'urgent'] as const

/** gradeName is the word's name of a grade as the API counts it. */
export function gradeName(grade: number): (typeof gradeNames)[number] {
  return gradeNames[grade] ?? 'none'
}

/** Dots of devices that have no alarm, by whether they report; and of those that have one, by its grade. */
export const liveColours: Record<string, string> = { online: '#2f7d4f', late: '#c9930a', offline: '#1f2328', never: '#9aa4ae' }
export const gradeColours: Record<string, string> = { none: '#9aa4ae', notice: '#1d5a9e', warning: '#d9730d', urgent: '#c21026' }

/** worstByDevice is each device's highest grade among alarms that still stand. */
export function worstByDevice(alarms: Pick<Alarm, 'deviceId' | 'grade' | 'state'>[]): Record<string, number> {
  const worst: Record<string, number> = {}
  for (const a of alarms) {
    if (a.state === 'withdrawn' || a.state === 'handled') continue
    worst[a.deviceId] = Math.max(worst[a.deviceId] ?? 0, a.grade)
  }
  return worst
}

/** tally counts rows by a word of each. */
export function tally<T>(rows: T[], word: (row: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const row of rows) counts[word(row)] = (counts[word(row)] ?? 0) + 1
  return counts
}
