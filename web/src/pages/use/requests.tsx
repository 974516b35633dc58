import Checkbox from 'antd/es/checkbox'
import { Link } from 'react-router'
import { plinth, type Request } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar } from '../../parts/filters'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Evidence, State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { day, minute } from '../../parts/time'
import { Due } from '../catalog/registrations'
import { usePurposeName } from './purposes'

const names = ['state', 'mine'] as const
export const requestStates = ['with_provider', 'approved', 'refused'] as const

function columnsOf({ t, text, word }: Words, purpose: (id: string) => string): Column<Request>[] {
  return [
    { key: 'dataset', title: t('grant.dataset'), cell: (r) => <Link to={`/requests/${r.id}`}>{text(r.datasetTitle) || r.datasetId}</Link>, text: (r) => text(r.datasetTitle) },
    { key: 'department', title: t('grant.department'), cell: (r) => r.departmentName || r.department, text: (r) => r.departmentName },
    { key: 'purpose', title: t('grant.purpose'), cell: (r) => purpose(r.purpose), text: (r) => purpose(r.purpose) },
    { key: 'period', title: t('request.period'), cell: (r) => <span className="nowrap">{`${day(r.notBefore)} – ${day(r.notAfter)}`}</span>, text: (r) => `${day(r.notBefore)}/${day(r.notAfter)}` },
    { key: 'state', title: t('dataset.state'), cell: (r) => <State family="requestState" value={r.state} />, text: (r) => word('requestState', r.state) },
    { key: 'due', title: t('registration.due'), cell: (r) => (r.state === 'with_provider' ? <Due at={r.dueAt} /> : '–'), text: (r) => minute(r.dueAt) },
    { key: 'created', title: t('request.created'), cell: (r) => <span className="nowrap">{minute(r.createdAt)}</span>, text: (r) => minute(r.createdAt) },
    { key: 'evidence', title: t('evidence.word'), cell: (r) => <Evidence of={r.evidence} />, text: (r) => word('evidence', r.evidence?.state ?? '') },
  ]
}

export default function Requests() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listRequests({ state: filters.state, mine: filters.mine === '1', pageToken, pageSize: 50 }, { signal })
    return { rows: a.requests ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return (
    <>
      <PageHead title={t('nav.requests')} about={t('requests.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('requestState', requestStates)} onChange={(state) => change({ state })} />
          <Checkbox checked={filters.mine === '1'} onChange={(e) => change({ mine: e.target.checked ? '1' : '' })}>
            {t('filter.mine')}
          </Checkbox>
        </FilterBar>
        <PagedTable name="requests" label={t('nav.requests')} of={list} columns={columnsOf(w, usePurposeName())} rowKey={(r) => r.id} empty={t('requests.empty')} />
      </Sheet>
    </>
  )
}
