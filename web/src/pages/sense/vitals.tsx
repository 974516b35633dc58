import { Link } from 'react-router'
import { type ListGradesResponse, plinth, type SectorGrade, type Vital, type VitalFinding } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { District } from '../../parts/district'
import { figure } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters } from '../../parts/paged'
import { Shown, State } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { minute } from '../../parts/time'
import { type Named, useAgents, useNames } from '../catalog/agents'
import { gradeFills, vitalGrades, wedge } from './compass'

/** VitalValue is a value with its unit, and what it was compared with. */
export function VitalValue({ v, unit }: { v: Vital | null | undefined; unit: string }) {
  const w = useWords()
  const { t } = w
  if (v?.value === undefined) return '–'
  return (
    <>
      <b>{figure(v.value)}</b> {w.unit(unit)}
      {v.baseline !== undefined && <span className="quiet"> {t('vital.usual', { n: figure(v.baseline) })}</span>}
    </>
  )
}

/** Vitals is the board: how the district is in one look, what is off, and where. */
export default function Vitals() {
  const { t, text } = useWords()
  const { filters, change } = useFilters(['street', 'sector'] as const)
  const street = useAgents().find((a) => a.id === filters.street)
  const grades = useLoad(`grades ${filters.street}`, (signal) => plinth.listGrades({ street: filters.street }, { signal }), true)
  return (
    <>
      <PageHead title={street ? t('vitals.of', { street: text(street.name) }) : t('nav.vitals')} about={t('vitals.about')}>
        {filters.street && (
          <button type="button" className="as-link" onClick={() => change({ street: '' })}>
            {t('vitals.whole')}
          </button>
        )}
      </PageHead>
      <Shown of={grades}>{(g) => <Board g={g} filters={filters} change={change} />}</Shown>
    </>
  )
}

type BoardProps = { g: ListGradesResponse; filters: { street: string; sector: string }; change: (to: { street?: string; sector?: string }) => void }

function Board({ g, filters, change }: BoardProps) {
  const w = useWords()
  const { t, word } = w
  const findings = (g.findings ?? []).filter((f) => !filters.sector || f.sector === filters.sector)
  const sectors = g.sectors ?? []
  const shown = sectors.find((s) => s.sector === filters.sector)
  const streets = Object.fromEntries((shown?.streets ?? g.streets ?? []).map((s) => [s.street, s.grade]))
  return (
    <>
      <div className="columns">
        <Sheet title={t('vitals.compass')} extra={<State family="vitalGrade" value={g.grade} />}>
          <Compass sectors={sectors} picked={filters.sector} onPick={(sector) => change({ sector: sector === filters.sector ? '' : sector })} />
          <p className="quiet">{t('vitals.at', { at: minute(g.at) })}</p>
        </Sheet>
        <Sheet title={t('vitals.map')}>
          <District
            label={t('vitals.map')}
            by="street"
            fill={(a) => gradeFills[streets[a.id] ?? 'unknown'] ?? '#fff'}
            about={(a) => word('vitalGrade', streets[a.id] ?? 'unknown')}
            picked={filters.street}
            onPick={(id) => change({ street: id })}
            legend={vitalGrades.map((v) => ({ colour: gradeFills[v] ?? '', word: word('vitalGrade', v) }))}
          />
        </Sheet>
      </div>
      <div style={{ height: 16 }} />
      <Sheet title={t('vitals.findings', { n: findings.length })}>
        <Table name="vital-findings" label={t('vitals.findings', { n: findings.length })} columns={findingColumns(w, useNames())} rows={findings} rowKey={(f) => `${f.indicatorId} ${f.vital?.street}`} empty={t('vitals.fine')} />
      </Sheet>
      <div style={{ height: 16 }} />
      <Indicators sector={filters.sector} street={filters.street} />
    </>
  )
}

function findingColumns({ t, text, word }: Words, agent: Named): Column<VitalFinding>[] {
  return [
    { key: 'grade', title: t('alarm.grade'), cell: (f) => <State family="vitalGrade" value={f.vital?.grade ?? ''} />, text: (f) => word('vitalGrade', f.vital?.grade ?? '') },
    { key: 'title', title: t('vital.indicator'), wide: true, cell: (f) => <Link to={`/vitals/${f.indicatorId}${f.vital?.street ? `?street=${f.vital.street}` : ''}`}>{text(f.title)}</Link>, text: (f) => text(f.title) },
    { key: 'street', title: t('device.street'), cell: (f) => <Street id={f.vital?.street ?? ''} />, text: (f) => f.vital?.street ?? '' },
    { key: 'value', title: t('device.value'), cell: (f) => <VitalValue v={f.vital} unit={f.unit} />, text: (f) => String(f.vital?.value ?? '') },
    { key: 'trend', title: t('vital.trend'), cell: (f) => word('trend', f.vital?.trend ?? ''), text: (f) => word('trend', f.vital?.trend ?? '') },
    { key: 'since', title: t('vital.since'), cell: (f) => <span className="nowrap">{minute(f.vital?.since)}</span>, text: (f) => minute(f.vital?.since) },
    { key: 'owner', title: t('alarm.unit'), cell: (f) => agent(f.owner, f.ownerName), text: (f) => agent(f.owner, f.ownerName) },
  ]
}

/** Street is a street by its name; none is the district. */
export function Street({ id }: { id: string }) {
  const { t } = useWords()
  const agent = useNames()
  return id ? agent(id) : t('vital.district')
}

/** Compass is a wedge for each sector, coloured by its worst indicator; the words beside it are buttons. */
function Compass({ sectors, picked, onPick }: { sectors: SectorGrade[]; picked: string; onPick: (sector: string) => void }) {
  const { t, text } = useWords()
  return (
    <div className="compass">
      <svg viewBox="-100 -100 200 200" role="img" aria-label={t('vitals.compass')}>
        {sectors.map((s, n) => (
          <path key={s.sector} d={wedge(n, sectors.length, 34, 96)} fill={gradeFills[s.connected ? s.grade : 'unknown']} stroke={s.sector === picked ? '#1d5a9e' : '#fff'} strokeWidth={s.sector === picked ? 3 : 2} />
        ))}
      </svg>
      <ul>
        {sectors.map((s) => (
          <li key={s.sector}>
            <button type="button" aria-pressed={s.sector === picked} onClick={() => onPick(s.sector)}>
              <span>{text(s.title) || s.sector}</span> {s.connected ? <State family="vitalGrade" value={s.grade} /> : <span className="quiet">{t('vital.unconnected')}</span>}
            </button>
            {!s.connected && s.sector === picked && <div className="quiet">{text(s.missing)}</div>}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Indicators({ sector, street }: { sector: string; street: string }) {
  const { t, text, word } = useWords()
  const agent = useNames()
  const list = useLoad(`indicators ${sector} ${street}`, async (signal) => (await plinth.listIndicators({ sector, street }, { signal })).indicators ?? [], true)
  type Row = NonNullable<typeof list.data>[number]
  const vital = (r: Row) => (street ? r.streets?.[0] : r.district)
  const columns: Column<Row>[] = [
    { key: 'title', title: t('vital.indicator'), wide: true, cell: (r) => <Link to={`/vitals/${r.indicator?.id}${street ? `?street=${street}` : ''}`}>{text(r.indicator?.title)}</Link>, text: (r) => text(r.indicator?.title) },
    { key: 'grade', title: t('alarm.grade'), cell: (r) => <State family="vitalGrade" value={vital(r)?.grade ?? 'unknown'} />, text: (r) => word('vitalGrade', vital(r)?.grade ?? 'unknown') },
    { key: 'value', title: t('device.value'), cell: (r) => <VitalValue v={vital(r)} unit={r.indicator?.unit ?? ''} />, text: (r) => String(vital(r)?.value ?? '') },
    { key: 'trend', title: t('vital.trend'), cell: (r) => word('trend', vital(r)?.trend ?? ''), text: (r) => word('trend', vital(r)?.trend ?? '') },
    { key: 'state', title: t('dataset.state'), cell: (r) => <><State family="indicatorState" value={r.state} /> {r.state === 'no_source' && <span className="quiet">{text(r.indicator?.missing)}</span>}{r.error}</>, text: (r) => word('indicatorState', r.state) },
    { key: 'owner', title: t('alarm.unit'), cell: (r) => agent(r.indicator?.owner, r.indicator?.ownerName), text: (r) => agent(r.indicator?.owner, r.indicator?.ownerName) },
  ]
  return (
    <Sheet title={t('vitals.indicators')}>
      <Shown of={list}>{(all) => <Table name="indicators" label={t('vitals.indicators')} columns={columns} rows={all} rowKey={(r) => r.indicator?.id ?? ''} empty={t('vitals.none')} sortable />}</Shown>
    </Sheet>
  )
}
