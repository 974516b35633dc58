// What incidents and events are narrowed by, as it stands in the page's address.
import { type Filters } from '../../parts/paged'
import { endOfDay, startOfDay } from '../../parts/time'

export const names = ['view', 'street', 'grid', 'class', 'minSize', 'from', 'to', 'query', 'source'] as const
export type EventFilters = Filters<(typeof names)[number]>

/** periodOf turns the dates of the address into times; empty ones stay empty. */
export function periodOf(f: { from: string; to: string }) {
  return { from: f.from ? startOfDay(f.from) : undefined, to: f.to ? endOfDay(f.to) : undefined }
}
