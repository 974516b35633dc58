import Checkbox from 'antd/es/checkbox'
import { plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { Choose, FilterBar } from '../../parts/filters'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { PagedTable, useOptions } from '../../parts/table'
import { grantColumns } from './grant-columns'
import { usePurposeName } from './purposes'

const names = ['state', 'mine'] as const
const states = ['active', 'pending', 'expired', 'revoked', 'blocked'] as const

export default function Grants() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listGrants({ state: filters.state, mine: filters.mine === '1', pageToken, pageSize: 50 }, { signal })
    return { rows: a.grants ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return (
    <>
      <PageHead title={t('nav.grants')} about={t('grants.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('grantState', states)} onChange={(state) => change({ state })} />
          <Checkbox checked={filters.mine === '1'} onChange={(e) => change({ mine: e.target.checked ? '1' : '' })}>
            {t('grants.mine')}
          </Checkbox>
        </FilterBar>
        <PagedTable name="grants" label={t('nav.grants')} of={list} columns={grantColumns(w, usePurposeName())} rowKey={(g) => g.id} empty={t('grants.empty')} />
      </Sheet>
    </>
  )
}
