import { lazy, Suspense, useMemo, useState } from 'react'
import { Link } from 'react-router'
import { type DayCount, type HotWord, plinth } from '../../api/plinth'
import { rawRoles } from '../../frame/menu'
import { useWords } from '../../i18n'
import { Choose, DateBox, FilterBar } from '../../parts/filters'
import { figure, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { type Filters, useFilters } from '../../parts/paged'
import { Loading, Shown } from '../../parts/states'
import { type Column, LoadedTable, Table, useOptions } from '../../parts/table'
import { daysFrom, endOfDay, startOfDay } from '../../parts/time'
import { useSession } from '../../session'
import { useAgents } from '../catalog/agents'
import { growth, stack } from './counts'
import { sources } from './event-table'

const Chart = lazy(() => import('../../parts/chart'))
const names = ['from', 'to', 'source', 'street'] as const
type TrendFilters = Filters<(typeof names)[number]>

export default function Trends() {
  const { t, text } = useWords()
  const { filters, change } = useFilters(names)
  const streets = useAgents().filter((a) => a.kind === 'street' || a.kind === 'town')
  const [today] = useState(() => new Date())
  const shown = { ...filters, from: filters.from || daysFrom(today, -6), to: filters.to || daysFrom(today, 0) }
  return (
    <>
      <PageHead title={t('nav.trends')} about={t('trends.about')} />
      <FilterBar label={t('filter.title')}>
        <DateBox label={t('ask.from')} value={shown.from} onChange={(from) => change({ from })} />
        <DateBox label={t('ask.to')} value={shown.to} onChange={(to) => change({ to })} />
        <Choose label={t('run.source')} value={filters.source} options={useOptions('source', sources)} onChange={(source) => change({ source })} />
        <Choose label={t('device.street')} value={filters.street} options={streets.map((a) => ({ value: a.id, label: text(a.name) }))} onChange={(street) => change({ street })} />
      </FilterBar>
      <Counts f={shown} />
      <Words f={shown} />
    </>
  )
}

function Counts({ f }: { f: TrendFilters }) {
  const { t } = useWords()
  const [table, setTable] = useState(false)
  const counts = useLoad(
    `counts ${JSON.stringify(f)}`,
    async (signal) => (await plinth.countEvents({ from: startOfDay(f.from), to: endOfDay(f.to), source: f.source, street: f.street }, { signal })).counts ?? [],
    true,
  )
  return (
    <Sheet
      title={t('trends.counts')}
      extra={
        <button type="button" className="tone wait" aria-expanded={table} onClick={() => setTable(!table)}>
          {t('device.theTable')}
        </button>
      }
    >
      <Shown of={counts}>
        {(rows) => (rows.length ? <CountChart rows={rows} f={f} /> : <p className="quiet">{t('trends.empty')}</p>)}
      </Shown>
      {table && counts.data && <CountTable rows={counts.data} />}
    </Sheet>
  )
}

function CountChart({ rows, f }: { rows: DayCount[]; f: TrendFilters }) {
  const { t } = useWords()
  const { days, series } = useMemo(() => stack(rows, 8, t('trends.other')), [rows, t])
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
      legend: { type: 'scroll', top: 0 },
      grid: { left: 12, right: 12, top: 40, bottom: 8, containLabel: true },
      xAxis: { type: 'category', data: days },
      yAxis: { type: 'value', name: t('trends.unit') },
      series: series.map((s) => ({ type: 'bar', stack: 'all', name: s.name, data: s.values })),
    }),
    [days, series, t],
  )
  return (
    <Suspense fallback={<Loading />}>
      <Chart option={option} height={340} label={t('trends.chart', { from: f.from, to: f.to })} />
      <p className="quiet">{t('trends.source')}</p>
    </Suspense>
  )
}

function CountTable({ rows }: { rows: DayCount[] }) {
  const { t } = useWords()
  const columns: Column<DayCount>[] = [
    { key: 'day', title: t('trends.day'), cell: (c) => c.day, text: (c) => c.day },
    { key: 'class', title: t('event.class'), cell: (c) => c.class, text: (c) => c.class },
    { key: 'count', title: t('trends.number'), number: true, cell: (c) => whole(c.count), text: (c) => c.count },
  ]
  return <Table name="event-counts" label={t('trends.counts')} columns={columns} rows={rows} rowKey={(c) => `${c.day} ${c.class}`} empty={t('trends.empty')} sortable />
}

function Words({ f }: { f: TrendFilters }) {
  const { t } = useWords()
  const { has } = useSession()
  const raw = has(...rawRoles)
  const words = useLoad(
    `words ${f.from} ${f.to} ${f.source}`,
    async (signal) => (await plinth.hotWords({ from: startOfDay(f.from), to: endOfDay(f.to), source: f.source, limit: 40 }, { signal })).words ?? [],
    true,
  )
  const columns: Column<HotWord>[] = [
    {
      key: 'word',
      title: t('words.word'),
      cell: (w) => (raw ? <Link to={`/incidents?view=events&query=${encodeURIComponent(w.word)}&from=${f.from}&to=${f.to}`}>{w.word}</Link> : w.word),
      text: (w) => w.word,
    },
    { key: 'count', title: t('words.count'), number: true, cell: (w) => whole(w.count), text: (w) => w.count },
    { key: 'share', title: t('words.share'), number: true, cell: (w) => figure(w.share), text: (w) => String(w.share) },
    { key: 'before', title: t('words.before'), number: true, cell: (w) => figure(w.shareBefore), text: (w) => String(w.shareBefore) },
    { key: 'change', title: t('words.change'), number: true, cell: (w) => <Change w={w} />, text: (w) => String(growth(w)) },
  ]
  return (
    <Sheet title={t('words.title')}>
      <LoadedTable name="hot-words" label={t('words.title')} of={words} columns={columns} rowKey={(w) => w.word} empty={t('words.empty')} />
    </Sheet>
  )
}

function Change({ w }: { w: HotWord }) {
  const { t } = useWords()
  if (!w.shareBefore) return <span className="tone warn">{t('words.new')}</span>
  const times = w.share / w.shareBefore
  return <>{times >= 1 ? '↑' : '↓'} × {times.toFixed(2)}</>
}
