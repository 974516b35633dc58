import { lazy, type ReactNode, Suspense, useMemo } from 'react'
import { useParams } from 'react-router'
import { type GetIndicatorResponse, type Indicator, type Limits, plinth, type Vital } from '../../api/plinth'
import { useWords } from '../../i18n'
import { figure } from '../../parts/figures'
import { Choose, FilterBar } from '../../parts/filters'
import { useLoad } from '../../parts/load'
import { ObjectFrame } from '../../parts/object'
import { Facts, Sheet } from '../../parts/page'
import { useFilters } from '../../parts/paged'
import { Evidence, Loading, Note, Shown, State } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { useSpan } from '../../parts/span'
import { minute, second } from '../../parts/time'
import { useAgents, useNames } from '../catalog/agents'
import { Street, VitalValue } from './vitals'

const Chart = lazy(() => import('../../parts/chart'))

export default function VitalPage() {
  const { id = '' } = useParams()
  const { filters, change } = useFilters(['street'] as const)
  const vital = useLoad(`indicator ${id} ${filters.street}`, (signal) => plinth.getIndicator({ id, street: filters.street }, { signal }), true)
  return <Shown of={vital}>{(v) => <VitalShown v={v} street={filters.street} pick={(street) => change({ street })} />}</Shown>
}

function VitalShown({ v, street, pick }: { v: GetIndicatorResponse; street: string; pick: (street: string) => void }) {
  const { t, text, word } = useWords()
  const s = v.state
  const i = s?.indicator
  const agent = useNames()
  const streets = useAgents().filter((a) => a.kind === 'street' || a.kind === 'town')
  if (!s || !i) return null
  const now = street ? s.streets?.find((x) => x.street === street) : s.district
  return (
    <ObjectFrame
      title={text(i.title)}
      marks={
        <>
          <State family="vitalGrade" value={now?.grade ?? 'unknown'} />
          <VitalValue v={now} unit={i.unit} />
          <span>{word('trend', now?.trend ?? '')}</span>
          <State family="indicatorState" value={s.state} />
          <span>{agent(i.owner, i.ownerName)}</span>
        </>
      }
      notes={s.error && <Note tone="late" title={s.error} />}
      tabs={[
        {
          key: 'history',
          title: t('vital.history'),
          content: (
            <>
              <FilterBar label={t('filter.title')}>
                <Choose label={t('device.street')} value={street} width={210} all={t('vital.district')} options={streets.map((a) => ({ value: a.id, label: text(a.name) }))} onChange={pick} />
              </FilterBar>
              <History v={v.history ?? []} i={i} title={text(i.title)} street={street} />
            </>
          ),
        },
        { key: 'evidence', title: t('vital.rows'), content: <Rows v={v} /> },
        { key: 'streets', title: t('vital.streets'), content: <Streets of={s.streets ?? []} unit={i.unit} /> },
        { key: 'how', title: t('vital.how'), content: <How i={i} /> },
      ]}
      aside={<Versions v={v} />}
    />
  )
}

/** limitLines are the limits that stand on values themselves; those on ratios and quantiles have no line. */
function limitLines(i: Indicator, street: string, word: (family: string, v: string) => string) {
  if (i.baseline !== 'fixed' && i.baseline !== 'standard') return []
  const high = (!street && i.districtHigh) || i.high
  const low = (!street && i.districtLow) || i.low
  const of = (l: Limits | null | undefined) => (['notice', 'warning', 'urgent'] as const).flatMap((g) => (l?.[g] === undefined ? [] : [{ yAxis: l[g], label: { position: 'insideEndTop' as const, formatter: `${word('vitalGrade', g)} ${figure(l[g])}` } }]))
  return [...of(high), ...of(low)]
}

function History({ v, i, title, street }: { v: Vital[]; i: Indicator; title: string; street: string }) {
  const { t, word, unit } = useWords()
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' },
      legend: { top: 4, right: 8 },
      grid: { left: 12, right: 20, top: 40, bottom: 8, containLabel: true },
      xAxis: { type: 'time', axisLabel: { hideOverlap: true, formatter: (x: number) => minute(new Date(x).toISOString()).slice(5) } },
      yAxis: { type: 'value', scale: true, name: unit(i.unit), nameTextStyle: { align: 'left' } },
      series: [
        { type: 'line', name: title, showSymbol: v.length < 40, data: v.map((x) => [x.from, x.value ?? null]), markLine: { silent: true, symbol: 'none', lineStyle: { color: '#a40e26', type: 'dashed' }, data: limitLines(i, street, word) } },
        { type: 'line', name: t('vital.baseline'), showSymbol: false, lineStyle: { type: 'dotted', color: '#57606a' }, itemStyle: { color: '#57606a' }, data: v.map((x) => [x.from, x.baseline ?? null]) },
        { type: 'scatter', name: t('vital.off'), symbolSize: 9, itemStyle: { color: '#c21026' }, data: v.filter((x) => ['notice', 'warning', 'urgent'].includes(x.grade)).map((x) => [x.from, x.value ?? null]) },
      ],
    }),
    [v, i, title, street, t, word, unit],
  )
  const columns: Column<Vital>[] = [
    { key: 'from', title: t('deviceProof.period'), cell: (x) => minute(x.from), text: (x) => minute(x.from) },
    { key: 'value', title: t('device.value'), number: true, cell: (x) => figure(x.value), text: (x) => String(x.value ?? '') },
    { key: 'baseline', title: t('vital.baseline'), number: true, cell: (x) => figure(x.baseline), text: (x) => String(x.baseline ?? '') },
    { key: 'grade', title: t('alarm.grade'), cell: (x) => <State family="vitalGrade" value={x.grade} />, text: (x) => word('vitalGrade', x.grade) },
    { key: 'weight', title: t('vital.weight'), number: true, cell: (x) => figure(x.weight), text: (x) => String(x.weight) },
  ]
  if (v.length === 0) return <p className="quiet">{t('vital.noHistory')}</p>
  return (
    <>
      <Suspense fallback={<Loading />}>
        <Chart option={option} label={t('vital.chart', { title, n: v.length, unit: unit(i.unit) })} />
      </Suspense>
      <details>
        <summary>{t('device.theTable')}</summary>
        <Table name="vital-history" label={t('vital.history')} columns={columns} rows={v.toReversed()} rowKey={(x) => x.from ?? ''} empty="–" sortable />
      </details>
    </>
  )
}

/** moment is how the service writes a time in a row of evidence. */
const moment = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

function Rows({ v }: { v: GetIndicatorResponse }) {
  const { t, word } = useWords()
  const agent = useNames()
  if (v.evidenceWithheld) return <p className="quiet">{t('vital.withheld')}</p>
  if (v.evidenceError) return <Note tone="late" title={v.evidenceError} />
  const columns: Column<string[]>[] = (v.evidenceColumns ?? []).map((name, n) => {
    const cell = (r: string[]) => (name === 'street' || name === 'owner' ? agent(r[n]) : moment.test(r[n] ?? '') ? second(r[n]) : (r[n] ?? ''))
    return { key: name, title: word('vitalColumn', name), wide: name === 'class' || name === 'title', cell: (r) => (moment.test(r[n] ?? '') ? <span className="nowrap">{cell(r)}</span> : cell(r)), text: cell }
  })
  if (columns.length === 0) return <p className="quiet">{t('vital.noRows')}</p>
  return (
    <>
      {v.evidenceCut && <p className="quiet">{t('vital.cut')}</p>}
      <Table name="vital-rows" label={t('vital.rows')} columns={columns} rows={(v.evidenceRows ?? []).map((r) => r.values)} rowKey={(_, n) => String(n)} empty={t('vital.noRows')} sortable />
    </>
  )
}

function Streets({ of, unit }: { of: Vital[]; unit: string }) {
  const { t, word } = useWords()
  const columns: Column<Vital>[] = [
    { key: 'street', title: t('device.street'), cell: (x) => <Street id={x.street} />, text: (x) => x.street },
    { key: 'grade', title: t('alarm.grade'), cell: (x) => <State family="vitalGrade" value={x.grade} />, text: (x) => word('vitalGrade', x.grade) },
    { key: 'value', title: t('device.value'), cell: (x) => <VitalValue v={x} unit={unit} />, text: (x) => String(x.value ?? '') },
    { key: 'trend', title: t('vital.trend'), cell: (x) => word('trend', x.trend), text: (x) => word('trend', x.trend) },
  ]
  return <Table name="vital-streets" label={t('vital.streets')} columns={columns} rows={of} rowKey={(x) => x.street} empty="–" sortable />
}

function How({ i }: { i: Indicator }) {
  const { t, word } = useWords()
  const span = useSpan()
  const limits = (l: Limits | null | undefined) => (['notice', 'warning', 'urgent'] as const).filter((g) => l?.[g] !== undefined).map((g) => `${word('vitalGrade', g)} ${figure(l?.[g])}`).join(' · ')
  const facts: [string, ReactNode][] = [
    [t('vital.compared'), word('vitalBaseline', i.baseline)],
    [t('vital.high'), limits(i.high)],
    [t('vital.low'), limits(i.low)],
    [t('vital.source'), i.source],
    [t('vital.every'), span(i.everyS)],
    [t('vital.rollup'), word('rollup', i.rollup)],
  ]
  return (
    <>
      <Facts of={facts.filter(([, v]) => v)} />
      <h3 style={{ margin: '14px 0 6px' }}>SQL</h3>
      <pre className="mono yaml" tabIndex={0}>{i.sql}</pre>
    </>
  )
}

function Versions({ v }: { v: GetIndicatorResponse }) {
  const { t, word } = useWords()
  return (
    <Sheet title={t('vital.versions')}>
      <ol className="timeline">
        {(v.versions ?? []).map((x) => (
          <li key={x.version}>
            <div className="line">
              <b>{t('vital.version', { n: x.version })}</b> <span>{word('origin', x.origin)}</span> {x.evidence?.recordId && <Evidence of={x.evidence} />}
            </div>
            <div className="quiet">
              {x.by} {minute(x.at)}
            </div>
          </li>
        ))}
      </ol>
    </Sheet>
  )
}
