import { plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { Choose, FilterBar } from '../../parts/filters'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { PagedTable, useOptions } from '../../parts/table'
import { decisionColumns } from './decision-columns'

const names = ['result', 'subject', 'datasetId', 'grantId'] as const

export default function Decisions() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listDecisions({ ...filters, pageToken, pageSize: 50 }, { signal })
    return { rows: a.decisions ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return (
    <>
      <PageHead title={t('nav.decisions')} about={t('decisions.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('decision.result')} value={filters.result} options={useOptions('result', ['permit', 'deny'])} onChange={(result) => change({ result })} />
        </FilterBar>
        <PagedTable name="decisions" label={t('nav.decisions')} of={list} columns={decisionColumns(w)} rowKey={(d) => d.id} empty={t('decisions.empty')} />
      </Sheet>
    </>
  )
}
