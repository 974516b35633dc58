import { useCallback } from 'react'
import { plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { PagedTable, useOptions } from '../../parts/table'
import { recordColumns } from './record-columns'

const names = ['origin', 'kind', 'subject', 'state'] as const
const kinds = ['registration.submitted', 'registration.registered', 'openlist.published', 'request.created', 'request.approved', 'grant.created', 'grant.revoked', 'decision.permit', 'decision.deny', 'device.segment'] as const

export default function Records() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listRecords({ ...filters, pageToken, pageSize: 50 }, { signal })
    return { rows: a.records ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useCallback((subject: string) => change({ subject }), [change])
  return (
    <>
      <PageHead title={t('nav.records')} about={t('records.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <SearchBox label={t('records.subject')} value={filters.subject} onSearch={search} />
          <Choose label={t('record.kind')} value={filters.kind} options={useOptions('action', kinds)} onChange={(kind) => change({ kind })} />
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('evidence', ['pending', 'sealed', 'anchored'])} onChange={(state) => change({ state })} />
          <Choose label={t('record.origin')} value={filters.origin} options={['authz', 'device'].map((o) => ({ value: o, label: o }))} onChange={(origin) => change({ origin })} />
        </FilterBar>
        <PagedTable name="records" label={t('nav.records')} of={list} columns={recordColumns(w)} rowKey={(r) => r.recordId} empty={t('records.empty')} />
      </Sheet>
    </>
  )
}
