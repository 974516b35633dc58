// The curve of one metric as ECharts draws it: the band between least and most, the mean, and what is flagged.
import { type Alarm, type PackLimit, type Point } from '../../api/plinth'
import { figure } from '../../parts/figures'
import { minute, second } from '../../parts/time'

/** Sample is one point of the curve. */
export interface Sample {
  at: number
  value: number
  min: number
  max: number
  count: number
  flags: string[]
}

export function asSample(p: Point): Sample {
  return { at: Date.parse(p.at ?? ''), value: p.value, min: p.min, max: p.max, count: Number(p.count), flags: p.flags ?? [] }
}

/** join adds what came live to what was loaded: in order of time, each moment once, none before `from`. */
export function join(loaded: Sample[], live: Sample[], from: number): Sample[] {
  const end = loaded.at(-1)?.at ?? 0
  const later = live.filter((s) => s.at > end).sort((a, b) => a.at - b.at)
  return [...loaded, ...later.filter((s, n) => s.at !== later[n - 1]?.at)].filter((s) => s.at >= from)
}

/** breaks puts a hole where nothing came for longer than `most` milliseconds, so that no line is drawn over it. */
export function breaks(samples: Sample[], most: number): (Sample | null)[] {
  return samples.flatMap((s, n) => {
    const before = samples[n - 1]
    return before && s.at - before.at > most ? [null, s] : [s]
  })
}

/** nearestSample is the sample nearest in time. */
export function nearestSample(samples: Sample[], at: number): Sample | null {
  return samples.reduce<Sample | null>((best, s) => (!best || Math.abs(s.at - at) < Math.abs(best.at - at) ? s : best), null)
}

export interface CurveWords {
  metric: string
  unit: string
  band: string
  flagged: string
  flag: (name: string) => string
  limit: (l: PackLimit) => string
}

const escaped = (s: string) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** tip is what hovering tells of a sample. */
export function tip(s: Sample, w: CurveWords): string {
  const lines = [second(new Date(s.at).toISOString()), `<b>${figure(s.value)}</b> ${escaped(w.unit)}`]
  if (s.count > 1) lines.push(`${figure(s.min)} – ${figure(s.max)} · n = ${s.count}`)
  if (s.flags.length) lines.push(escaped(s.flags.map(w.flag).join(', ')))
  return lines.join('<br>')
}

/** curve is the option. `from` and `to` are the ends of the time axis; limits are drawn where there are any. */
export function curve(samples: Sample[], gap: number, from: number, to: number, limits: PackLimit[], w: CurveWords) {
  const broken = breaks(samples, gap)
  const hole = (n: number) => (broken[n - 1] ?? broken[n + 1])?.at ?? 0
  const line = (y: (s: Sample) => number) => broken.map((s, n) => (s ? [s.at, y(s)] : [hole(n), null]))
  const banded = samples.some((s) => s.count > 1)
  const long = to - from > 86_400_000
  const quiet = { lineStyle: { opacity: 0 }, showSymbol: false, silent: true, type: 'line', stack: 'band', stackStrategy: 'all' } as const
  return {
    tooltip: {
      trigger: 'axis',
      formatter: (all: { axisValue: number }[]) => {
        const s = nearestSample(samples, Number(all[0]?.axisValue ?? 0))
        return s ? tip(s, w) : ''
      },
    },
    legend: { top: 4, right: 8, data: [w.metric, ...(banded ? [w.band] : []), w.flagged] },
    grid: { left: 12, right: 20, top: 40, bottom: 8, containLabel: true },
    xAxis: { type: 'time', min: from, max: to, axisLabel: { hideOverlap: true, formatter: (x: number) => minute(new Date(x).toISOString()).slice(long ? 5 : 11) } },
    yAxis: { type: 'value', scale: true, name: w.unit, nameTextStyle: { align: 'left' } },
    series: [
      ...(banded
        ? [
            { ...quiet, name: '', data: line((s) => s.min) },
            { ...quiet, name: w.band, data: line((s) => s.max - s.min), areaStyle: { color: '#1d5a9e', opacity: 0.16 }, itemStyle: { color: '#a9c3df' } },
          ]
        : []),
      {
        type: 'line',
        name: w.metric,
        showSymbol: samples.length < 3,
        data: line((s) => s.value),
        lineStyle: { width: 1.6 },
        color: '#1d5a9e',
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: '#a40e26', type: 'dashed' },
          label: { position: 'insideEndTop', color: '#a40e26' },
          data: limits.map((l) => ({ yAxis: l.value, label: { formatter: w.limit(l) } })),
        },
      },
      { type: 'scatter', name: w.flagged, symbolSize: 8, color: '#a40e26', data: samples.filter((s) => s.flags.length > 0).map((s) => [s.at, s.value]) },
    ],
  }
}

/** around is the period to draw: the rows and the condition, with half as much before and after, at least ten minutes. */
export function around(a: Pick<Alarm, 'rows' | 'since' | 'endedAt' | 'raisedAt'>): { from: Date; to: Date } {
  const times = [...(a.rows ?? []).map((r) => r.at), a.since, a.endedAt, a.raisedAt].map((at) => Date.parse(at ?? '')).filter((n) => !Number.isNaN(n))
  const first = Math.min(...times)
  const last = Math.max(...times)
  const more = Math.max(600_000, (last - first) / 2)
  return { from: new Date(first - more), to: new Date(last + more) }
}
