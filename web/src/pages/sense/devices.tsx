import Button from 'antd/es/button'
import { useCallback, useMemo } from 'react'
import { Link, useNavigate } from 'react-router'
import { type Device, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { District, type Dot } from '../../parts/district'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { figure, unitOf } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { useAgents } from '../catalog/agents'
import { LiveSheet } from './live-sheet'

const names = ['query', 'kind', 'street', 'liveness'] as const
export const kinds = ['lift', 'water_meter', 'water_quality', 'heritage_building', 'construction_noise'] as const
const livenesses = ['online', 'late', 'offline', 'never'] as const
const dotColours: Record<string, string> = { online: '#2f7d4f', late: '#b35900', offline: '#a40e26', never: '#6e7781' }

function columnsOf({ t, text, word }: Words): Column<Device>[] {
  const values = (d: Device) => (d.metrics ?? []).filter((m) => m.name in (d.latest ?? {})).map((m) => `${text(m.title) || m.name} ${figure(d.latest[m.name])} ${unitOf(m.unit)}`)
  return [
    {
      key: 'name',
      title: t('device.name'),
      cell: (d) => (
        <>
          <Link to={`/devices/${d.id}`}>{text(d.name) || d.id}</Link>
          <div className="mono quiet">{d.id}</div>
        </>
      ),
      text: (d) => d.id,
    },
    { key: 'kind', title: t('device.kind'), cell: (d) => word('deviceKind', d.kind), text: (d) => word('deviceKind', d.kind) },
    { key: 'liveness', title: t('dataset.state'), cell: (d) => <State family="liveness" value={d.liveness} />, text: (d) => word('liveness', d.liveness) },
    { key: 'latest', wide: true, title: t('device.latest'), cell: (d) => values(d).join(' · ') || '–', text: (d) => values(d).join('; ') },
    { key: 'flags', title: t('device.flags'), cell: (d) => (d.flags ?? []).map((f) => word('flag', f)).join(', ') || '–', text: (d) => (d.flags ?? []).join(' ') },
    { key: 'seen', title: t('device.seen'), cell: (d) => <span className="nowrap">{second(d.lastSeen) || '–'}</span>, text: (d) => second(d.lastSeen) },
    { key: 'grid', title: t('device.grid'), cell: (d) => d.grid, text: (d) => d.grid },
    { key: 'owner', title: t('device.owner'), optional: true, cell: (d) => d.ownerName || d.owner, text: (d) => d.ownerName },
    { key: 'site', title: t('device.site'), optional: true, cell: (d) => d.site, text: (d) => d.site },
  ]
}

export default function Devices() {
  const w = useWords()
  const { t, text } = w
  const { has } = useSession()
  const navigate = useNavigate()
  const { filters, change, key } = useFilters(names)
  const streets = useAgents().filter((a) => a.kind === 'street' || a.kind === 'town')
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listDevices({ ...filters, pageToken, pageSize: 25 }, { signal })
    return { rows: a.devices ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useCallback((query: string) => change({ query }), [change])
  return (
    <>
      <PageHead title={t('nav.devices')} about={t('devices.about')}>
        {has('operator') && (
          <Button type="primary" onClick={() => void navigate('/devices/new')}>
            {t('devices.new')}
          </Button>
        )}
      </PageHead>
      <div className="map-and-list">
        <div>
          <Sheet title={t('devices.map')}>
            <DeviceMap street={filters.street} kind={filters.kind} onStreet={(street) => change({ street })} />
          </Sheet>
          <div style={{ height: 16 }} />
          <LiveSheet />
        </div>
        <Sheet>
          <FilterBar label={t('filter.title')}>
            <SearchBox label={t('devices.search')} value={filters.query} onSearch={search} />
            <Choose label={t('device.kind')} value={filters.kind} options={useOptions('deviceKind', kinds)} onChange={(kind) => change({ kind })} />
            <Choose label={t('device.street')} value={filters.street} options={streets.map((a) => ({ value: a.id, label: text(a.name) }))} onChange={(street) => change({ street })} />
            <Choose label={t('dataset.state')} value={filters.liveness} options={useOptions('liveness', livenesses)} onChange={(liveness) => change({ liveness })} />
          </FilterBar>
          <PagedTable name="devices" label={t('nav.devices')} of={list} columns={columnsOf(w)} rowKey={(d) => d.id} empty={t('devices.empty')} />
        </Sheet>
      </div>
    </>
  )
}

/** DeviceMap shows up to a thousand devices as points, coloured by whether they report; a click keeps a street. */
function DeviceMap({ street, kind, onStreet }: { street: string; kind: string; onStreet: (id: string) => void }) {
  const { t, text, word } = useWords()
  const all = useLoad(`device dots ${kind}`, async (signal) => (await plinth.listDevices({ kind, pageSize: 1000 }, { signal })).devices ?? [], true)
  const dots = useMemo(
    () =>
      (all.data ?? [])
        .filter((d) => d.longitude && d.latitude)
        .map((d): Dot => ({ id: d.id, longitude: d.longitude, latitude: d.latitude, colour: dotColours[d.liveness] ?? '#6e7781', label: `${text(d.name) || d.id}: ${word('liveness', d.liveness)}` })),
    [all.data, text, word],
  )
  const count = useMemo(() => {
    const by: Record<string, number> = {}
    for (const d of all.data ?? []) by[d.grid] = (by[d.grid] ?? 0) + 1
    return by
  }, [all.data])
  return (
    <District
      label={t('devices.map')}
      fill={(a) => (a.street === street ? '#cfe1f4' : '#f3f5f7')}
      about={(a) => t('devices.count', { n: count[a.id] ?? 0 })}
      picked=""
      onPick={(_, area) => onStreet(area.street === street ? '' : area.street)}
      dots={dots}
      legend={livenesses.map((l) => ({ colour: dotColours[l] ?? '', word: word('liveness', l) }))}
    />
  )
}
