import Button from 'antd/es/button'
import Select from 'antd/es/select'
import { lazy, Suspense, useEffect, useMemo, useState } from 'react'
import { type Device, type ListReadingsResponse, type PackLimit, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { csv, figure, save, whole } from '../../parts/figures'
import { type LiveReading } from '../../parts/live'
import { useLoad } from '../../parts/load'
import { useFilters } from '../../parts/paged'
import { Loading, Shown } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { minute, second } from '../../parts/time'
import { asSample, curve, join, nearestSample, type Sample } from './curve'
import { Fetched } from './fetched'
import { useProof } from './proof'

const Chart = lazy(() => import('../../parts/chart'))
const spans = ['0.25', '1', '6', '24', '168', '720'] as const
const hour = 3_600_000
const held = 4000

export type Subscribe = (take: (r: LiveReading) => void) => () => void

/** Readings is one metric over a span, now and before: the curve, what one of its points is, and the table behind it. */
export function Readings({ d, subscribe, paused }: { d: Device; subscribe: Subscribe; paused: boolean }) {
  const { t, text } = useWords()
  const { filters, change } = useFilters(['metric', 'span', 'until'] as const)
  const metric = filters.metric || (d.metrics?.[0]?.name ?? '')
  const span = Number(filters.span || '1') * hour
  const key = `readings ${d.id} ${metric} ${span} ${filters.until}`
  const loaded = useLoad(metric ? key : '', async (signal) => {
    const to = filters.until ? new Date(filters.until) : new Date()
    const from = new Date(to.getTime() - span)
    const answer = await plinth.listReadings({ deviceId: d.id, metric, from: from.toISOString(), to: to.toISOString(), maxPoints: 600 }, { signal })
    return { answer, from: from.getTime(), to: to.getTime() }
  })
  const move = (by: number) => {
    const to = (loaded.data?.to ?? Date.now()) + by
    change({ until: to >= Date.now() ? '' : new Date(to).toISOString() })
  }
  return (
    <>
      <div className="filters">
        <label htmlFor="metric">
          {t('device.metric')}
          <Select id="metric" aria-label={t('device.metric')} style={{ width: 170 }} value={metric} options={(d.metrics ?? []).map((m) => ({ value: m.name, label: text(m.title) || m.name }))} onChange={(v) => change({ metric: v })} />
        </label>
        <label htmlFor="span">
          {t('device.span')}
          <Select id="span" aria-label={t('device.span')} style={{ width: 120 }} value={filters.span || '1'} options={spans.map((n) => ({ value: n, label: spanWord(t, Number(n)) }))} onChange={(v) => change({ span: v })} />
        </label>
        <Button onClick={() => move(-span)}>{t('readings.earlier')}</Button>
        <Button disabled={!filters.until} onClick={() => move(span)}>
          {t('readings.later')}
        </Button>
        <Button disabled={!filters.until} onClick={() => change({ until: '' })}>
          {t('readings.now')}
        </Button>
      </div>
      <Shown of={loaded}>
        {(r) => <Curve key={key} d={d} metric={metric} answer={r.answer} from={r.from} to={r.to} subscribe={subscribe} live={!filters.until} paused={paused} />}
      </Shown>
    </>
  )
}

function spanWord(t: ReturnType<typeof useWords>['t'], hours: number): string {
  if (hours < 1) return t('readings.minutes', { n: hours * 60 })
  return hours > 24 ? t('readings.days', { n: hours / 24 }) : t('device.hours', { n: hours })
}

/** useArrivals collects what comes of a metric; while it is held, what has come waits. */
function useArrivals(subscribe: Subscribe, metric: string, live: boolean, hold: boolean) {
  const [shown, setShown] = useState<Sample[]>([])
  const [waiting, setWaiting] = useState<Sample[]>([])
  useEffect(() => {
    if (!live) return
    let fresh: Sample[] = []
    const end = subscribe((r) => {
      if (r.metric === metric) fresh.push({ at: Date.parse(r.at), value: r.value, min: r.value, max: r.value, count: 1, flags: r.flags ?? [] })
    })
    const turn = setInterval(() => {
      if (fresh.length === 0) return
      const come = fresh
      fresh = []
      setWaiting((all) => [...all, ...come].slice(-held))
    }, 1000)
    return () => {
      end()
      clearInterval(turn)
    }
  }, [subscribe, metric, live])
  if (!hold && waiting.length > 0) {
    setShown([...shown, ...waiting].slice(-held))
    setWaiting([])
  }
  return { shown, waiting: waiting.length }
}

interface CurveProps {
  d: Device
  metric: string
  answer: ListReadingsResponse
  from: number
  to: number
  subscribe: Subscribe
  live: boolean
  paused: boolean
}

function Curve({ d, metric, answer, from, to, subscribe, live, paused }: CurveProps) {
  const { t, text, unit } = useWords()
  const [onChart, setOnChart] = useState(false)
  const [picked, setPicked] = useState<Sample | null>(null)
  const arrivals = useArrivals(subscribe, metric, live, onChart || paused)
  const newest = arrivals.shown.at(-1)?.at ?? to
  const later = Math.max(0, newest - to)
  const loaded = useMemo(() => (answer.points ?? []).map(asSample), [answer.points])
  const samples = useMemo(() => join(loaded, arrivals.shown, from + later), [loaded, arrivals.shown, from, later])
  const title = text(d.metrics?.find((m) => m.name === metric)?.title) || metric
  const option = useOption(d, metric, title, samples, answer, from + later, to + later)
  return (
    <>
      {samples.length === 0 ? (
        <p className="quiet">{t('device.noReadings')}</p>
      ) : (
        <Suspense fallback={<Loading />}>
          <Chart option={option} height={320} label={t('device.chart', { metric: title, device: d.id, n: samples.length, unit: unit(answer.unit) })} onHold={setOnChart} onPick={(x) => setPicked(nearestSample(samples, x))} />
        </Suspense>
      )}
      <p className="quiet under-chart">
        <span>{answer.bucketS ? t('device.bucket', { n: answer.bucketS }) : t('device.raw')}</span>
        <span>
          {minute(new Date(from + later).toISOString())} – {minute(new Date(to + later).toISOString())}
        </span>
        <span role="status">{arrivals.waiting > 0 && t(paused ? 'readings.pausedWaiting' : 'readings.heldWaiting', { n: arrivals.waiting })}</span>
      </p>
      <Picked d={d} metric={metric} unit={unit(answer.unit)} s={picked} raw={!answer.bucketS} />
      <Behind d={d} metric={metric} unit={unit(answer.unit)} samples={samples} raw={!answer.bucketS} />
    </>
  )
}

function useOption(d: Device, metric: string, title: string, samples: Sample[], answer: ListReadingsResponse, from: number, to: number) {
  const { t, text, word, unit } = useWords()
  const packs = useLoad('packs', async (signal) => (await plinth.listPacks({}, { signal })).packs ?? [])
  return useMemo(() => {
    const limits = (packs.data?.find((p) => p.kind === d.kind)?.limits ?? []).filter((l) => l.metric === metric)
    const gap = 3 * 1000 * Math.max(answer.bucketS, d.intervalS)
    return curve(samples, gap, from, to, limits, {
      metric: title,
      unit: unit(answer.unit),
      band: t('readings.band'),
      flagged: t('device.flagged'),
      flag: (f) => word('flag', f),
      limit: (l: PackLimit) => `${text(l.title)} ${figure(l.value)}`,
    })
  }, [packs.data, d, metric, samples, answer, from, to, title, t, text, word, unit])
}

interface OneProps {
  d: Device
  metric: string
  unit: string
  raw: boolean
}

/** Picked is the point of the curve that was clicked, with its receipt. */
function Picked({ d, metric, unit, s, raw }: OneProps & { s: Sample | null }) {
  const { t, word } = useWords()
  const proof = useProof(d)
  if (!s) return <p className="quiet">{t('readings.pick')}</p>
  const at = new Date(s.at).toISOString()
  return (
    <>
      <div className="picked">
        <span>
          <b>{figure(s.value)}</b> {unit} · {second(at)}
          {s.count > 1 && ` · ${figure(s.min)} – ${figure(s.max)} (n = ${whole(s.count)})`}
        </span>
        {s.flags.map((f) => (
          <span key={f} className="tone warn">
            {word('flag', f)}
          </span>
        ))}
        {raw && (
          <Button size="small" disabled={!proof.may} title={proof.may ? undefined : t('deviceProof.notYours')} onClick={() => proof.ofReading(metric, at)}>
            {t('readings.receipt')}
          </Button>
        )}
        {!raw && <span className="quiet">{t('readings.closer')}</span>}
      </div>
      <Fetched of={proof} />
    </>
  )
}

/** Behind is the table behind the curve, opened and exported at will. */
function Behind({ d, metric, unit, samples, raw }: OneProps & { samples: Sample[] }) {
  const { t, word } = useWords()
  const proof = useProof(d)
  const [open, setOpen] = useState(false)
  const time = (s: Sample) => second(new Date(s.at).toISOString())
  const columns: Column<Sample>[] = [
    { key: 'at', title: t('record.at'), cell: time, text: time },
    { key: 'value', title: unit ? `${t('device.value')} (${unit})` : t('device.value'), number: true, cell: (p) => figure(p.value), text: (p) => String(p.value) },
    { key: 'min', title: t('device.min'), number: true, optional: raw, cell: (p) => figure(p.min), text: (p) => String(p.min) },
    { key: 'max', title: t('device.max'), number: true, optional: raw, cell: (p) => figure(p.max), text: (p) => String(p.max) },
    { key: 'count', title: t('device.count'), number: true, optional: raw, cell: (p) => whole(p.count), text: (p) => String(p.count) },
    { key: 'flags', title: t('device.flags'), cell: (p) => p.flags.map((f) => word('flag', f)).join(', '), text: (p) => p.flags.join(' ') },
  ]
  if (raw && proof.may) {
    const fetchProof = (s: Sample) => proof.ofReading(metric, new Date(s.at).toISOString())
    columns.push({ key: 'proof', title: t('readings.receiptShort'), cell: (s) => <Button size="small" onClick={() => fetchProof(s)}>{t('readings.receiptShort')}</Button>, text: () => '' })
  }
  const write = () => save(`${d.id}-${metric}.csv`, 'text/csv;charset=utf-8', csv([columns.slice(0, 6).map((c) => c.title), ...samples.map((s) => columns.slice(0, 6).map((c) => c.text(s)))]))
  return (
    <>
      <div className="acts">
        <Button size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {t('device.theTable')}
        </Button>
        <Button size="small" disabled={samples.length === 0} onClick={write}>
          {t('readings.csv')}
        </Button>
      </div>
      <Fetched of={proof} />
      {open && <Table name={raw ? 'points' : 'points-thinned'} label={t('device.theTable')} columns={columns} rows={samples} rowKey={(p, n) => `${p.at} ${n}`} empty={t('device.noReadings')} sortable />}
    </>
  )
}
