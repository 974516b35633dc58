import { useRef } from 'react'
import { Link } from 'react-router'
import { type DeviceFigures, plinth, type RuleCount } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { share, whole } from '../../parts/figures'
import { Choose, FilterBar } from '../../parts/filters'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters } from '../../parts/paged'
import { Shown } from '../../parts/states'
import { type Column, Table, useOptions } from '../../parts/table'
import { minute } from '../../parts/time'
import { type Named, useNames } from '../catalog/agents'
import { DeviceFaults, faultFilters, type FaultFilters } from './device-faults'

const groupings = ['owner', 'kind', 'street'] as const
const periods = ['day', 'week', 'month'] as const
const noFaultFilter = Object.fromEntries(faultFilters.map((name) => [name, ''])) as FaultFilters

/** DeviceFiguresPage is whether devices are on file, rightly, and online: of each owner, kind or street, and the devices behind it. */
export default function DeviceFiguresPage() {
  const w = useWords()
  const { t } = w
  const agent = useNames()
  const { filters, change } = useFilters(['by', 'period', ...faultFilters] as const)
  const by = filters.by || 'owner'
  const faults = useRef<HTMLDivElement>(null)
  const found = useLoad(`device figures ${by} ${filters.period}`, (signal) => plinth.getDeviceFigures({ by, period: filters.period }, { signal }), true)
  const groupWords = useOptions('figureBy', groupings)
  const periodWords = useOptions('figurePeriod', periods)
  const { by: _, period, ...narrowed } = filters
  const show = (to: Partial<FaultFilters>) => {
    change({ ...noFaultFilter, ...to })
    faults.current?.scrollIntoView()
  }
  return (
    <>
      <PageHead title={t('nav.deviceFigures')} about={t('deviceFigures.about')} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('deviceFigures.by')} value={by === 'owner' ? '' : by} all={groupWords[0]?.label ?? ''} options={groupWords.slice(1)} onChange={(v) => change({ by: v })} />
          <Choose label={t('deviceFigures.period')} value={period === 'day' ? '' : period} all={periodWords[0]?.label ?? ''} options={periodWords.slice(1)} onChange={(v) => change({ period: v })} />
        </FilterBar>
        <Shown of={found}>
          {(f) => (
            <>
              <p className="quiet">{t('deviceFigures.span', { from: minute(f.from), to: minute(f.to) })}</p>
              <Table name="device-figures" label={t('nav.deviceFigures')} columns={columnsOf(w, agent, by, show)} rows={[...(f.total ? [f.total] : []), ...(f.groups ?? [])]} rowKey={(g, n) => (n === 0 ? 'total' : `group ${g.key}`)} empty={t('devices.empty')} />
            </>
          )}
        </Shown>
      </Sheet>
      <DeviceFaults at={faults} period={period} filters={narrowed} change={change} rules={found.data?.total?.rules ?? []} />
    </>
  )
}

/** rate is a share with the counts that it is of: a percentage alone hides how little it may rest on. */
function rate(part: number, of: number): string {
  return of ? `${share(part, of)} (${whole(part)} / ${whole(of)})` : '–'
}

function columnsOf({ t, text, word }: Words, agent: Named, by: string, show: (to: Partial<FaultFilters>) => void): Column<DeviceFigures>[] {
  const online = (g: DeviceFigures) => (g.onlineRate === undefined ? '–' : `${(g.onlineRate * 100).toFixed(1)}%`)
  const filter = (g: DeviceFigures) => (g.key ? `?${by}=${encodeURIComponent(g.key)}` : '')
  const name = (g: DeviceFigures) => (by === 'kind' && g.key ? word('deviceKind', g.key) : agent(g.key, text(g.name))) || t('deviceFigures.all')
  const rule = (r: RuleCount) => `${text(r.title) || r.rule} ${whole(r.devices)}`
  const of = (g: DeviceFigures): Partial<FaultFilters> => (g.key ? { [by]: g.key } : g.name ? { unregistered: 'true' } : {})
  return [
    { key: 'name', title: word('figureBy', by), cell: (g) => <Link to={`/devices${filter(g)}`}>{name(g)}</Link>, text: (g) => name(g) },
    { key: 'archive', title: t('deviceFigures.archive'), number: true, cell: (g) => rate(g.complete, g.expected), text: (g) => rate(g.complete, g.expected) },
    { key: 'accuracy', title: t('deviceFigures.accuracy'), number: true, cell: (g) => rate(g.accurate, g.registered), text: (g) => rate(g.accurate, g.registered) },
    { key: 'online', title: t('deviceFigures.online'), number: true, cell: online, text: online },
    { key: 'inUse', title: t('deviceFigures.inUse'), number: true, cell: (g) => whole(g.inUse), text: (g) => String(g.inUse) },
    { key: 'unregistered', title: t('deviceFigures.unregistered'), number: true, cell: (g) => whole(g.unregistered), text: (g) => String(g.unregistered) },
    {
      key: 'rules',
      title: t('deviceFigures.rules'),
      wide: true,
      cell: (g) => (g.rules?.length ? <ul className="pairs">{g.rules.map((r) => <li key={r.rule}><button type="button" className="as-link" onClick={() => show({ ...of(g), rule: r.rule })}>{rule(r)}</button></li>)}</ul> : '–'),
      text: (g) => (g.rules ?? []).map(rule).join('; '),
    },
  ]
}
