// The order of the alarm desk, and what live news change of it.
import { type Alarm } from '../../api/plinth'

type Waiting = Pick<Alarm, 'id' | 'grade' | 'peakGrade' | 'state' | 'raisedAt'>

/** byUrgency puts the gravest first, of equals what nobody has acknowledged, and of those what has waited longest. */
export function byUrgency<A extends Waiting>(alarms: A[]): A[] {
  const grade = (a: A) => a.grade || a.peakGrade
  const taken = (a: A) => (a.state === 'open' ? 0 : 1)
  return alarms.toSorted((a, b) => grade(b) - grade(a) || taken(a) - taken(b) || Date.parse(a.raisedAt ?? '') - Date.parse(b.raisedAt ?? ''))
}

/** withNews puts an alarm's new state in the place of its old one. One that is not in the list leaves it as it is. */
export function withNews<A extends Waiting>(alarms: A[], news: Map<string, A>): A[] {
  return news.size === 0 ? alarms : alarms.map((a) => news.get(a.id) ?? a)
}
