import { Link } from 'react-router'
import { type Consumer, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { PageHead, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'

function columnsOf({ t, word }: Words): Column<Consumer>[] {
  return [
    { key: 'name', title: t('alert.consumer'), cell: (c) => c.name || c.account, text: (c) => c.name },
    { key: 'department', title: t('grant.department'), cell: (c) => c.departmentName, text: (c) => c.departmentName },
    { key: 'band', title: t('consumer.risk'), cell: (c) => <span className="nowrap"><State family="band" value={c.band} /> {c.score.toFixed(0)}</span>, text: (c) => word('band', c.band) },
    { key: 'alerts', title: t('number.alerts'), number: true, cell: (c) => (c.openAlerts ? <Link to={`/alerts?consumer=${c.account}`}>{c.openAlerts}</Link> : '0'), text: (c) => String(c.openAlerts) },
    { key: 'queries', title: t('consumer.queries'), number: true, cell: (c) => whole(c.queriesToday), text: (c) => c.queriesToday },
    { key: 'rows', title: t('consumer.rows'), number: true, cell: (c) => whole(c.rowsToday), text: (c) => c.rowsToday },
    { key: 'usual', title: t('consumer.usual'), number: true, cell: (c) => whole(c.usualRows), text: (c) => c.usualRows },
    { key: 'denied', title: t('consumer.denied'), number: true, cell: (c) => <Link to={`/decisions?subject=${c.account}&result=deny`}>{whole(c.deniedToday)}</Link>, text: (c) => c.deniedToday },
  ]
}

export default function Consumers() {
  const w = useWords()
  const { t } = w
  const list = usePaged('consumers', async (pageToken, signal) => {
    const a = await plinth.listConsumers({ pageToken, pageSize: 50 }, { signal })
    return { rows: a.consumers ?? [], next: a.nextPageToken }
  })
  return (
    <>
      <PageHead title={t('nav.consumers')} about={t('consumers.about')} />
      <Sheet>
        <PagedTable name="consumers" label={t('nav.consumers')} of={list} columns={columnsOf(w)} rowKey={(c) => c.account} empty={t('consumers.empty')} />
      </Sheet>
    </>
  )
}
