import { lazy, Suspense, useMemo } from 'react'
import { type Alarm, type AlarmRow, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Loading, Shown } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { second } from '../../parts/time'
import { around, asSample, curve, nearestSample } from './curve'

const Chart = lazy(() => import('../../parts/chart'))

/** AlarmRows draws the readings that an alarm rests on, among those around them. */
export function AlarmRows({ a }: { a: Alarm }) {
  const { t } = useWords()
  const metrics = [...new Set((a.rows ?? []).map((r) => r.metric))]
  if (metrics.length === 0) return <p className="quiet">{t('alarm.noRows')}</p>
  const columns: Column<AlarmRow>[] = [
    { key: 'metric', title: t('device.metric'), cell: (r) => <code>{r.metric}</code>, text: (r) => r.metric },
    { key: 'at', title: t('record.at'), cell: (r) => second(r.at), text: (r) => second(r.at) },
    { key: 'seq', title: t('record.subjectSeq'), number: true, cell: (r) => whole(r.seq), text: (r) => r.seq },
  ]
  return (
    <>
      {metrics.slice(0, 2).map((m) => (
        <RowsOf key={m} a={a} metric={m} />
      ))}
      <details>
        <summary>{t('alarm.rows', { n: a.rows.length })}</summary>
        <Table name="alarm-rows" label={t('alarm.rows', { n: a.rows.length })} columns={columns} rows={a.rows} rowKey={(r) => `${r.metric} ${r.at} ${r.seq}`} empty="–" />
      </details>
    </>
  )
}

function RowsOf({ a, metric }: { a: Alarm; metric: string }) {
  const period = around(a)
  const readings = useLoad(`alarm rows ${a.id} ${metric} ${a.endedAt ?? ''}`, (signal) => plinth.listReadings({ deviceId: a.deviceId, metric, from: period.from.toISOString(), to: period.to.toISOString(), maxPoints: 600 }, { signal }))
  const device = useLoad(`device ${a.deviceId}`, (signal) => plinth.getDevice({ id: a.deviceId }, { signal }))
  return <Shown of={readings}>{(r) => <Drawn a={a} metric={metric} r={r} d={device.data} from={period.from.getTime()} to={period.to.getTime()} />}</Shown>
}

type DrawnProps = { a: Alarm; metric: string; r: Awaited<ReturnType<typeof plinth.listReadings>>; d: Awaited<ReturnType<typeof plinth.getDevice>> | undefined; from: number; to: number }

function Drawn({ a, metric, r, d, from, to }: DrawnProps) {
  const { t, text, word, unit } = useWords()
  const title = text(d?.metrics?.find((m) => m.name === metric)?.title) || metric
  const option = useMemo(() => {
    const samples = (r.points ?? []).map(asSample)
    const limit = Number(a.facts?.limit)
    const limits = a.facts?.limit && !Number.isNaN(limit) && (a.rows ?? [])[0]?.metric === metric ? [{ metric, side: '', value: limit, unit: r.unit, title: null, source: a.basis }] : []
    const drawn = curve(samples, 3000 * Math.max(r.bucketS, d?.intervalS ?? 60), from, to, limits, {
      metric: title, unit: unit(r.unit), band: t('readings.band'), flagged: t('device.flagged'), flag: (f) => word('flag', f), limit: (l) => `${t('alarm.limit')} ${l.value}`,
    })
    const rows = (a.rows ?? []).filter((x) => x.metric === metric).map((x) => nearestSample(samples, Date.parse(x.at ?? ''))).filter((s) => s !== null)
    const marks = { type: 'scatter', name: t('alarm.rowsShort'), symbol: 'diamond', symbolSize: 12, color: '#c21026', z: 5, data: rows.map((s) => [s.at, s.value]) }
    return { ...drawn, legend: { ...drawn.legend, data: [...drawn.legend.data, t('alarm.rowsShort')] }, series: [...drawn.series, marks] }
  }, [a, metric, r, d, from, to, title, t, word, unit])
  if ((r.points ?? []).length === 0) return <p className="quiet">{t('device.noReadings')}</p>
  return (
    <Suspense fallback={<Loading />}>
      <Chart option={option} label={t('device.chart', { metric: title, device: a.deviceId, n: r.points.length, unit: unit(r.unit) })} />
    </Suspense>
  )
}
