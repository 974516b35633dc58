import { useState } from 'react'
import { Link } from 'react-router'
import { type Alert, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar } from '../../parts/filters'
import { useLive } from '../../parts/live'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Evidence, State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { minute } from '../../parts/time'

const names = ['state', 'consumer'] as const
const states = ['new', 'triaged', 'contained', 'resolved'] as const

/** bandOf puts a severity of 0 to 100 into words. */
export function bandOf(severity: number): 'low' | 'medium' | 'high' | 'critical' {
  if (severity >= 80) return 'critical'
  if (severity >= 60) return 'high'
  return severity >= 30 ? 'medium' : 'low'
}

function columnsOf({ t, text, word }: Words): Column<Alert>[] {
  return [
    {
      key: 'severity',
      title: t('alert.severity'),
      cell: (a) => (
        <span className="nowrap">
          <State family="band" value={bandOf(a.severity)} /> {a.severity}
        </span>
      ),
      text: (a) => String(a.severity),
    },
    { key: 'title', title: t('alert.title'), cell: (a) => <Link to={`/alerts/${a.id}`}>{text(a.title) || a.rule}</Link>, text: (a) => text(a.title) },
    { key: 'consumer', title: t('alert.consumer'), cell: (a) => a.consumerName || a.consumer, text: (a) => a.consumerName },
    { key: 'department', title: t('grant.department'), cell: (a) => a.departmentName, text: (a) => a.departmentName },
    { key: 'at', title: t('record.at'), cell: (a) => <span className="nowrap">{minute(a.at)}</span>, text: (a) => minute(a.at) },
    { key: 'state', title: t('dataset.state'), cell: (a) => <State family="alertState" value={a.state} />, text: (a) => word('alertState', a.state) },
    { key: 'evidence', title: t('evidence.word'), cell: (a) => <Evidence of={a.evidence} />, text: (a) => word('evidence', a.evidence?.state ?? '') },
    { key: 'rule', title: t('alert.rule'), optional: true, cell: (a) => <code>{a.rule}</code>, text: (a) => a.rule },
  ]
}

export default function Alerts() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const [news, setNews] = useState(0)
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listAlerts({ ...filters, pageToken, pageSize: 50 }, { signal })
    return { rows: a.alerts ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  // A new alert is told of, and shown when the reader wants it: rows do not move under the pointer.
  useLive({ alert: () => setNews((n) => n + 1) }, false)
  const show = () => {
    setNews(0)
    list.reload()
  }
  return (
    <>
      <PageHead title={t('nav.alerts')} about={t('alerts.about')}>
        <span role="status">
          {news > 0 && (
            <button type="button" className="tone late" onClick={show}>
              {t('alerts.news', { n: news })}
            </button>
          )}
        </span>
      </PageHead>
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('alertState', states)} onChange={(state) => change({ state })} />
        </FilterBar>
        <PagedTable name="alerts" label={t('nav.alerts')} of={list} columns={columnsOf(w)} rowKey={(a) => a.id} empty={t('alerts.empty')} />
      </Sheet>
    </>
  )
}
