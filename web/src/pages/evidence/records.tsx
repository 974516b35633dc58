import Button from 'antd/es/button'
import { useCallback, useState } from 'react'
import { type EvidenceRecord, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { csv, save } from '../../parts/figures'
import { Choose, DateBox, FilterBar, SearchBox } from '../../parts/filters'
import { PageHead, Sheet } from '../../parts/page'
import { type Filters, useFilters, usePaged } from '../../parts/paged'
import { Failure } from '../../parts/states'
import { PagedTable, useOptions } from '../../parts/table'
import { daysFrom, startOfDay } from '../../parts/time'
import { recordColumns } from './record-columns'

const names = ['code', 'subject', 'caseId', 'kind', 'state', 'origin', 'org', 'from', 'to'] as const
const kinds = ['registration.submitted', 'registration.registered', 'openlist.published', 'request.created', 'request.approved', 'grant.created', 'grant.revoked', 'decision.permit', 'decision.deny', 'device.segment'] as const

/** counted is where the service stops counting. */
const counted = '10000'
const pageSize = 50

/** asked is the filters as the service takes them: the days become times of Shanghai, the last one whole. */
const asked = (f: Filters<(typeof names)[number]>) => ({ ...f, from: f.from && startOfDay(f.from), to: f.to && startOfDay(daysFrom(new Date(startOfDay(f.to)), 1)) })

export default function Records() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listRecords({ ...asked(filters), pageToken, pageSize }, { signal })
    return { rows: a.records ?? [], next: a.nextPageToken, total: a.totalSize === counted ? `≥ ${a.totalSize}` : a.totalSize }
  })
  const search = useCallback((subject: string) => change({ subject }), [change])
  const byCode = useCallback((code: string) => change({ code }), [change])
  const byOrg = useCallback((org: string) => change({ org }), [change])
  return (
    <>
      <PageHead title={t('nav.records')} about={t('records.about')}>
        <ExportAll ask={asked(filters)} />
      </PageHead>
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <SearchBox label={t('record.code')} value={filters.code} onSearch={byCode} />
          <SearchBox label={t('records.subject')} value={filters.subject} onSearch={search} />
          <SearchBox label={t('record.org')} value={filters.org} onSearch={byOrg} />
          <Choose label={t('record.kind')} value={filters.kind} options={useOptions('action', kinds)} onChange={(kind) => change({ kind })} />
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('evidence', ['pending', 'sealed', 'anchored'])} onChange={(state) => change({ state })} />
          <Choose label={t('record.origin')} value={filters.origin} options={useOptions('origin', ['authz', 'device'])} onChange={(origin) => change({ origin })} />
          <DateBox label={t('records.from')} value={filters.from} onChange={(from) => change({ from })} />
          <DateBox label={t('records.to')} value={filters.to} onChange={(to) => change({ to })} />
        </FilterBar>
        <PagedTable name="records" label={t('nav.records')} of={list} columns={recordColumns(w)} rowKey={(r) => r.recordId} empty={t(Object.values(filters).some(Boolean) ? 'records.none' : 'records.empty')} />
      </Sheet>
    </>
  )
}

/** mostExported bounds the file: more is a matter for the audit's folder, not for a spreadsheet. */
const mostExported = 10_000

/** ExportAll writes every record that the filters choose, not only the page in sight. */
function ExportAll({ ask }: { ask: Record<string, string> }) {
  const w = useWords()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const run = async () => {
    const rows: EvidenceRecord[] = []
    for (let pageToken = '', first = true; (first || pageToken) && rows.length < mostExported; first = false) {
      const page = await plinth.listRecords({ ...ask, pageToken, pageSize: 1000 })
      rows.push(...(page.records ?? []))
      pageToken = page.nextPageToken
    }
    const columns = recordColumns(w)
    save('records.csv', 'text/csv;charset=utf-8', csv([columns.map((c) => c.title), ...rows.map((r) => columns.map((c) => c.text(r)))]))
  }
  const start = () => {
    setBusy(true)
    setError(null)
    run().catch(setError).finally(() => setBusy(false))
  }
  return (
    <>
      <Button loading={busy} onClick={start}>
        {w.t('records.exportAll')}
      </Button>
      <Failure error={error} />
    </>
  )
}
