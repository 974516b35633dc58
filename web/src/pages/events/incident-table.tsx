import { Link } from 'react-router'
import { type Incident, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { minute } from '../../parts/time'
import { type EventFilters, periodOf } from './filters'

/** sourcesOf is "12345 hotline 3, camera 1". */
export function sourcesOf(i: Incident, word: Words['word']): string {
  return Object.entries(i.sources ?? {})
    .map(([s, n]) => `${word('source', s)} ${n}`)
    .join(', ')
}

function columnsOf({ t, word }: Words): Column<Incident>[] {
  return [
    { key: 'title', title: t('incident.title'), cell: (i) => <Link to={`/incidents/${i.id}`}>{i.title || i.id}</Link>, text: (i) => i.title },
    { key: 'class', title: t('event.class'), cell: (i) => i.class.split('/').at(-1), text: (i) => i.class },
    { key: 'size', title: t('incident.size'), number: true, cell: (i) => i.size, text: (i) => String(i.size) },
    { key: 'sources', title: t('incident.sources'), cell: (i) => sourcesOf(i, word), text: (i) => sourcesOf(i, word) },
    { key: 'grid', title: t('device.grid'), cell: (i) => i.grid, text: (i) => i.grid },
    { key: 'last', title: t('incident.last'), cell: (i) => <span className="nowrap">{minute(i.lastAt)}</span>, text: (i) => minute(i.lastAt) },
    { key: 'state', title: t('dataset.state'), cell: (i) => <State family="incidentState" value={i.state} />, text: (i) => word('incidentState', i.state) },
    { key: 'first', title: t('incident.first'), optional: true, cell: (i) => minute(i.firstAt), text: (i) => minute(i.firstAt) },
  ]
}

export function IncidentTable({ filters: f, listKey }: { filters: EventFilters; listKey: string }) {
  const w = useWords()
  const list = usePaged(`incidents ${listKey}`, async (pageToken, signal) => {
    const ask = { street: f.street, grid: f.grid, class: f.class, minSize: Number(f.minSize) || 0, ...periodOf(f) }
    const a = await plinth.listIncidents({ ...ask, pageToken, pageSize: 25 }, { signal })
    return { rows: a.incidents ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return <PagedTable name="incidents" label={w.t('incidents.title')} of={list} columns={columnsOf(w)} rowKey={(i) => i.id} empty={w.t('incidents.empty')} />
}
