import Button from 'antd/es/button'
import Select from 'antd/es/select'
import { lazy, Suspense, useMemo, useState } from 'react'
import { type Device, type ListReadingsResponse, plinth, type Point } from '../../api/plinth'
import { useWords } from '../../i18n'
import { figure, unitOf, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Loading, Shown } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { second } from '../../parts/time'

const Chart = lazy(() => import('../../parts/chart'))
const spans = [1, 6, 24, 168]

/** Series is one metric over a span: the chart, and the table behind it. */
export function Series({ d }: { d: Device }) {
  const { t, text } = useWords()
  const [metric, setMetric] = useState(d.metrics?.[0]?.name ?? '')
  const [hours, setHours] = useState(1)
  const [shown, setShown] = useState(false)
  const readings = useLoad(metric ? `readings ${d.id} ${metric} ${hours}` : '', async (signal) => {
    const to = new Date()
    const from = new Date(to.getTime() - hours * 3_600_000)
    return plinth.listReadings({ deviceId: d.id, metric, from: from.toISOString(), to: to.toISOString(), maxPoints: 600 }, { signal })
  })
  const metrics = (d.metrics ?? []).map((m) => ({ value: m.name, label: text(m.title) || m.name }))
  return (
    <>
      <div className="filters">
        <label htmlFor="metric">
          {t('device.metric')}
          <Select id="metric" aria-label={t('device.metric')} style={{ width: 180 }} value={metric} options={metrics} onChange={setMetric} />
        </label>
        <label htmlFor="span">
          {t('device.span')}
          <Select id="span" aria-label={t('device.span')} style={{ width: 140 }} value={hours} options={spans.map((n) => ({ value: n, label: t('device.hours', { n }) }))} onChange={setHours} />
        </label>
        <Button onClick={readings.reload}>{t('act.refresh')}</Button>
      </div>
      <Shown of={readings}>
        {(r) => (
          <>
            <SeriesChart d={d} metric={metric} r={r} />
            <p className="quiet">
              {r.bucketS ? t('device.bucket', { n: r.bucketS }) : t('device.raw')} ·{' '}
              <button type="button" className="tone wait" aria-expanded={shown} onClick={() => setShown(!shown)}>
                {t('device.theTable')}
              </button>
            </p>
            {shown && <PointTable points={r.points ?? []} unit={unitOf(r.unit)} />}
          </>
        )}
      </Shown>
    </>
  )
}

function SeriesChart({ d, metric, r }: { d: Device; metric: string; r: ListReadingsResponse }) {
  const { t, text } = useWords()
  const points = useMemo(() => r.points ?? [], [r.points])
  const title = text(d.metrics?.find((m) => m.name === metric)?.title) || metric
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' },
      legend: { top: 4, right: 8 },
      grid: { left: 12, right: 20, top: 36, bottom: 8, containLabel: true },
      xAxis: { type: 'time', axisLabel: { hideOverlap: true } },
      yAxis: { type: 'value', scale: true, name: unitOf(r.unit) },
      series: [
        { type: 'line', name: `${title} (${unitOf(r.unit)})`, showSymbol: false, data: points.map((p) => [p.at, p.value]) },
        { type: 'scatter', name: t('device.flagged'), symbolSize: 7, itemStyle: { color: '#a40e26' }, data: points.filter((p) => p.flags?.length).map((p) => [p.at, p.value]) },
      ],
    }),
    [points, r.unit, title, t],
  )
  if (points.length === 0) return <p className="quiet">{t('device.noReadings')}</p>
  return (
    <Suspense fallback={<Loading />}>
      <Chart option={option} label={t('device.chart', { metric: title, device: d.id, n: points.length, unit: unitOf(r.unit) })} />
    </Suspense>
  )
}

function PointTable({ points, unit }: { points: Point[]; unit: string }) {
  const { t, word } = useWords()
  const columns: Column<Point>[] = [
    { key: 'at', title: t('record.at'), cell: (p) => second(p.at), text: (p) => second(p.at) },
    { key: 'value', title: `${t('device.value')} (${unit})`, number: true, cell: (p) => figure(p.value), text: (p) => String(p.value) },
    { key: 'min', title: t('device.min'), number: true, cell: (p) => figure(p.min), text: (p) => String(p.min) },
    { key: 'max', title: t('device.max'), number: true, cell: (p) => figure(p.max), text: (p) => String(p.max) },
    { key: 'count', title: t('device.count'), number: true, cell: (p) => whole(p.count), text: (p) => p.count },
    { key: 'flags', title: t('device.flags'), cell: (p) => (p.flags ?? []).map((f) => word('flag', f)).join(', '), text: (p) => (p.flags ?? []).join(' ') },
  ]
  return <Table name="points" label={t('device.theTable')} columns={columns} rows={points} rowKey={(p, n) => `${p.at} ${n}`} empty={t('device.noReadings')} sortable />
}
