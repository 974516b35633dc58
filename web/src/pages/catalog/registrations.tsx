import Checkbox from 'antd/es/checkbox'
import { Link } from 'react-router'
import { plinth, type Registration } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar } from '../../parts/filters'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Evidence, State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { isPast, minute } from '../../parts/time'
import { datasetStates } from './words'

const names = ['state', 'mine'] as const

/** Due is a date that becomes red, and says so, when it has passed. */
export function Due({ at }: { at: string | null | undefined }) {
  const { t } = useWords()
  if (!at) return <>–</>
  return isPast(at, new Date()) ? (
    <span className="tone late">
      {t('due.late')} {minute(at)}
    </span>
  ) : (
    <span className="nowrap">{minute(at)}</span>
  )
}

function columnsOf({ t, text, word }: Words): Column<Registration>[] {
  return [
    { key: 'title', title: t('dataset.title'), cell: (r) => <Link to={`/registrations/${r.id}`}>{text(r.datasetTitle) || r.datasetId}</Link>, text: (r) => text(r.datasetTitle) },
    { key: 'kind', title: t('registration.kind'), cell: (r) => word('kind', r.kind), text: (r) => word('kind', r.kind) },
    { key: 'state', title: t('dataset.state'), cell: (r) => <State family="state" value={r.state} />, text: (r) => word('state', r.state) },
    { key: 'waits', title: t('registration.waitsOn'), cell: (r) => word('role', r.waitsOn), text: (r) => word('role', r.waitsOn) },
    { key: 'due', title: t('registration.due'), cell: (r) => <Due at={r.dueAt} />, text: (r) => minute(r.dueAt) },
    { key: 'updated', title: t('dataset.updated'), cell: (r) => <span className="nowrap">{minute(r.updatedAt)}</span>, text: (r) => minute(r.updatedAt) },
    { key: 'evidence', title: t('evidence.word'), cell: (r) => <Evidence of={r.evidence} />, text: (r) => word('evidence', r.evidence?.state ?? '') },
  ]
}

export default function Registrations() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listRegistrations({ state: filters.state, mine: filters.mine === '1', pageToken, pageSize: 50 }, { signal })
    return { rows: a.registrations ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return (
    <>
      <PageHead title={t('nav.registrations')} about={t('registrations.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('state', datasetStates)} onChange={(state) => change({ state })} />
          <Checkbox checked={filters.mine === '1'} onChange={(e) => change({ mine: e.target.checked ? '1' : '' })}>
            {t('filter.mine')}
          </Checkbox>
        </FilterBar>
        <PagedTable name="registrations" label={t('nav.registrations')} of={list} columns={columnsOf(w)} rowKey={(r) => r.id} empty={t('registrations.empty')} />
      </Sheet>
    </>
  )
}
