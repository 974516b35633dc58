import Button from 'antd/es/button'
import { useCallback } from 'react'
import { Link, useNavigate } from 'react-router'
import { type Dataset, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { whole } from '../../parts/figures'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Evidence, State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { minute } from '../../parts/time'
import { useSession } from '../../session'
import { useAgents } from './agents'
import { datasetStates, opennesses, themes } from './words'

const names = ['query', 'state', 'openness', 'publisher', 'theme'] as const

function columnsOf({ t, text, word }: Words): Column<Dataset>[] {
  return [
    {
      key: 'title',
      title: t('dataset.title'),
      cell: (d) => (
        <>
          <Link to={`/datasets/${d.id}`}>{text(d.title) || d.id}</Link>
          {d.code && <div className="mono quiet">{d.code}</div>}
        </>
      ),
      text: (d) => text(d.title),
    },
    { key: 'state', title: t('dataset.state'), cell: (d) => <State family="state" value={d.state} />, text: (d) => word('state', d.state) },
    { key: 'publisher', title: t('dataset.publisher'), cell: (d) => d.publisherName, text: (d) => d.publisherName },
    { key: 'openness', title: t('dataset.openness'), cell: (d) => <State family="openness" value={d.openness} />, text: (d) => word('openness', d.openness) },
    { key: 'grade', title: t('dataset.grade'), cell: (d) => <State family="grade" value={d.grade} />, text: (d) => word('grade', d.grade) },
    {
      key: 'timeliness',
      title: t('dataset.timeliness'),
      cell: (d) => (
        <>
          <State family="timeliness" value={d.timeliness} />
          <div className="quiet">{word('frequency', d.frequency)}</div>
        </>
      ),
      text: (d) => word('timeliness', d.timeliness),
    },
    { key: 'rows', title: t('dataset.rows'), number: true, cell: (d) => whole(d.rows), text: (d) => d.rows },
    { key: 'evidence', title: t('evidence.word'), cell: (d) => <Evidence of={d.evidence} />, text: (d) => word('evidence', d.evidence?.state ?? '') },
    { key: 'code', title: t('dataset.code'), optional: true, cell: (d) => d.code, text: (d) => d.code },
    { key: 'theme', title: t('dataset.theme'), optional: true, cell: (d) => word('theme', d.theme), text: (d) => word('theme', d.theme) },
    { key: 'updated', title: t('dataset.updated'), optional: true, cell: (d) => minute(d.updatedAt), text: (d) => minute(d.updatedAt) },
  ]
}

export default function Datasets() {
  const w = useWords()
  const { t, text } = w
  const { has } = useSession()
  const navigate = useNavigate()
  const { filters, change, key } = useFilters(names)
  const agents = useAgents()
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listDatasets({ ...filters, pageToken, pageSize: 50 }, { signal })
    return { rows: a.datasets ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useCallback((query: string) => change({ query }), [change])
  return (
    <>
      <PageHead title={t('nav.datasets')} about={t('datasets.about')}>
        {has('steward') && (
          <Button type="primary" onClick={() => void navigate('/datasets/new')}>
            {t('datasets.new')}
          </Button>
        )}
      </PageHead>
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <SearchBox label={t('datasets.search')} value={filters.query} onSearch={search} />
          <Choose label={t('dataset.state')} value={filters.state} options={useOptions('state', datasetStates)} onChange={(state) => change({ state })} />
          <Choose label={t('dataset.openness')} value={filters.openness} options={useOptions('openness', opennesses)} onChange={(openness) => change({ openness })} />
          <Choose
            label={t('dataset.publisher')}
            value={filters.publisher}
            options={agents.map((a) => ({ value: a.id, label: text(a.name) }))}
            onChange={(publisher) => change({ publisher })}
          />
          <Choose label={t('dataset.theme')} value={filters.theme} options={useOptions('theme', themes)} onChange={(theme) => change({ theme })} />
        </FilterBar>
        <PagedTable name="datasets" label={t('nav.datasets')} of={list} columns={columnsOf(w)} rowKey={(d) => d.id} empty={t('datasets.empty')} />
      </Sheet>
    </>
  )
}
