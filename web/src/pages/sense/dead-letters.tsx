import Button from 'antd/es/button'
import { useCallback } from 'react'
import { type DeadLetter, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { FilterBar, SearchBox } from '../../parts/filters'
import { whole } from '../../parts/figures'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { type Column, PagedTable } from '../../parts/table'
import { second } from '../../parts/time'

const names = ['source', 'runId'] as const

function columnsOf({ t }: Words): Column<DeadLetter>[] {
  return [
    { key: 'at', title: t('record.at'), cell: (d) => <span className="nowrap">{second(d.at)}</span>, text: (d) => second(d.at) },
    { key: 'source', title: t('run.source'), cell: (d) => <span className="break">{d.source}</span>, text: (d) => d.source },
    { key: 'row', title: t('dead.row'), number: true, cell: (d) => (d.row === '0' ? '–' : whole(d.row)), text: (d) => d.row },
    { key: 'field', title: t('difference.field'), cell: (d) => <code>{d.field}</code>, text: (d) => d.field },
    { key: 'reason', title: t('dead.reason'), cell: (d) => d.reason, text: (d) => d.reason },
    {
      key: 'payload',
      title: t('dead.payload'),
      cell: (d) => (
        <details>
          <summary>{t('dead.show')}</summary>
          <pre className="mono" style={{ whiteSpace: 'pre-wrap', margin: 0 }}>
            {d.payload}
          </pre>
        </details>
      ),
      text: (d) => d.payload,
    },
    { key: 'run', title: t('dead.run'), optional: true, cell: (d) => <span className="mono">{d.runId}</span>, text: (d) => d.runId },
  ]
}

export default function DeadLetters() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listDeadLetters({ ...filters, pageToken, pageSize: 50 }, { signal })
    return { rows: a.deadLetters ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useCallback((source: string) => change({ source }), [change])
  return (
    <>
      <PageHead title={t('nav.deadLetters')} about={t('dead.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <SearchBox label={t('run.source')} value={filters.source} onSearch={search} />
          {filters.runId && <Button onClick={() => change({ runId: '' })}>{t('dead.allRuns', { run: filters.runId })}</Button>}
        </FilterBar>
        <PagedTable name="dead-letters" label={t('nav.deadLetters')} of={list} columns={columnsOf(w)} rowKey={(d, n) => `${d.at} ${d.source} ${d.row} ${n}`} empty={t('dead.empty')} />
      </Sheet>
    </>
  )
}
