import Segmented from 'antd/es/segmented'
import { useMemo } from 'react'
import { plinth } from '../../api/plinth'
import { rawRoles } from '../../frame/menu'
import { useWords } from '../../i18n'
import { District } from '../../parts/district'
import { Choose, DateBox, FilterBar } from '../../parts/filters'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters } from '../../parts/paged'
import { useSession } from '../../session'
import { useAgents } from '../catalog/agents'
import { EventTable } from './event-table'
import { type EventFilters, names, periodOf } from './filters'
import { IncidentTable } from './incident-table'
import { heat, heatWords } from './heat'

export default function Incidents() {
  const { t, text } = useWords()
  const { has } = useSession()
  const { filters, change, key } = useFilters(names)
  const streets = useAgents().filter((a) => a.kind === 'street' || a.kind === 'town')
  const events = filters.view === 'events' && has(...rawRoles)
  return (
    <>
      <PageHead title={t(events ? 'events.title' : 'incidents.title')} about={t('incidents.about')}>
        {has(...rawRoles) && (
          <Segmented
            aria-label={t('incidents.view')}
            value={events ? 'events' : 'incidents'}
            options={[
              { value: 'incidents', label: t('incidents.title') },
              { value: 'events', label: t('events.title') },
            ]}
            onChange={(view) => change({ view: view === 'events' ? 'events' : '' })}
          />
        )}
      </PageHead>
      <div className="map-and-list">
        <Sheet title={t('incidents.map')}>
          <IncidentMap filters={filters} onPick={(grid) => change({ grid, street: '' })} />
        </Sheet>
        <Sheet>
          <FilterBar label={t('filter.title')}>
            <Choose
              label={t('device.street')}
              value={filters.street}
              options={streets.map((a) => ({ value: a.id, label: text(a.name) }))}
              onChange={(street) => change({ street, grid: '' })}
            />
            {!events && (
              <Choose
                label={t('incidents.size')}
                value={filters.minSize}
                options={['2', '3', '5', '10'].map((n) => ({ value: n, label: t('incidents.atLeast', { n }) }))}
                onChange={(minSize) => change({ minSize })}
              />
            )}
            <DateBox label={t('ask.from')} value={filters.from} onChange={(from) => change({ from })} />
            <DateBox label={t('ask.to')} value={filters.to} onChange={(to) => change({ to })} />
          </FilterBar>
          {filters.grid && (
            <p>
              <button type="button" className="tone wait" onClick={() => change({ grid: '' })}>
                {t('incidents.onlyGrid', { grid: filters.grid })}
              </button>
            </p>
          )}
          {events ? <EventTable filters={filters} change={change} listKey={key} /> : <IncidentTable filters={filters} listKey={key} />}
        </Sheet>
      </div>
    </>
  )
}

/** IncidentMap colours the grids by how many incidents they have in the period; a click keeps one grid in the list. */
function IncidentMap({ filters, onPick }: { filters: EventFilters; onPick: (grid: string) => void }) {
  const { t } = useWords()
  const { from, to } = periodOf(filters)
  const minSize = Number(filters.minSize) || 0
  const all = useLoad(
    `incident map ${from} ${to} ${minSize} ${filters.class}`,
    async (signal) => (await plinth.listIncidents({ from, to, minSize, class: filters.class, pageSize: 1000 }, { signal })).incidents ?? [],
    true,
  )
  const count = useMemo(() => {
    const by: Record<string, number> = {}
    for (const i of all.data ?? []) by[i.grid] = (by[i.grid] ?? 0) + 1
    return by
  }, [all.data])
  const most = Math.max(1, ...Object.values(count))
  return (
    <District
      label={t('incidents.map')}
      fill={(a) => heat(count[a.id] ?? 0, most)}
      about={(a) => t('incidents.count', { n: count[a.id] ?? 0 })}
      picked={filters.grid}
      onPick={onPick}
      legend={heatWords(most).map(({ colour, from: low, to: high }) => ({ colour, word: low === high ? String(low) : `${low} – ${high}` }))}
    />
  )
}
