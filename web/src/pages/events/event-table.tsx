import { useCallback } from 'react'
import { Link } from 'react-router'
import { type Event, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { usePaged } from '../../parts/paged'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { minute } from '../../parts/time'
import { type EventFilters, periodOf } from './filters'

export const sources = ['hotline', 'grid', 'camera', 'sensor', 'open311'] as const

function columnsOf({ t, word }: Words): Column<Event>[] {
  return [
    { key: 'at', title: t('record.at'), cell: (e) => <span className="nowrap">{minute(e.at)}</span>, text: (e) => minute(e.at) },
    { key: 'source', title: t('run.source'), cell: (e) => word('source', e.source), text: (e) => word('source', e.source) },
    {
      key: 'title', wide: true,
      title: t('event.text'),
      cell: (e) => (
        <>
          <b>{e.title}</b>
          <div>{e.text}</div>
        </>
      ),
      text: (e) => `${e.title} ${e.text}`,
    },
    { key: 'class', title: t('event.class'), cell: (e) => e.class.split('/').at(-1), text: (e) => e.class },
    { key: 'address', title: t('event.address'), cell: (e) => e.address, text: (e) => e.address },
    { key: 'incident', title: t('event.incident'), cell: (e) => e.incidentId && <Link to={`/incidents/${e.incidentId}`}>{t('event.toIncident')}</Link>, text: (e) => e.incidentId },
    { key: 'grid', title: t('device.grid'), optional: true, cell: (e) => e.grid, text: (e) => e.grid },
    { key: 'id', title: t('event.id'), optional: true, cell: (e) => <span className="mono">{e.id}</span>, text: (e) => e.id },
  ]
}

export function EventTable({ filters: f, change, listKey }: { filters: EventFilters; change: (c: Partial<EventFilters>) => void; listKey: string }) {
  const w = useWords()
  const list = usePaged(`events ${listKey}`, async (pageToken, signal) => {
    const ask = { street: f.street, grid: f.grid, class: f.class, source: f.source, query: f.query, ...periodOf(f) }
    const a = await plinth.listEvents({ ...ask, pageToken, pageSize: 25 }, { signal })
    return { rows: a.events ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useCallback((query: string) => change({ query }), [change])
  return (
    <>
      <FilterBar label={w.t('events.title')}>
        <SearchBox label={w.t('events.search')} value={f.query} onSearch={search} />
        <Choose label={w.t('run.source')} value={f.source} options={useOptions('source', sources)} onChange={(source) => change({ source })} />
      </FilterBar>
      <PagedTable name="events" label={w.t('events.title')} of={list} columns={columnsOf(w)} rowKey={(e) => e.id} empty={w.t('events.empty')} />
    </>
  )
}
