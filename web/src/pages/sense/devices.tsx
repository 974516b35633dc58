import Button from 'antd/es/button'
import { useCallback } from 'react'
import { Link, useNavigate } from 'react-router'
import { type Device, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { figure } from '../../parts/figures'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { type Named, useAgents, useNames } from '../catalog/agents'
import { shortCode } from '../evidence/code'
import { DeviceMap, livenesses } from './device-map'
import { useKinds } from './kinds'

const names = ['query', 'kind', 'street', 'liveness', 'owner', 'life'] as const
export const lives = ['planned', 'active', 'maintenance', 'retired'] as const

function Newest({ d }: { d: Device }) {
  const { text, unit } = useWords()
  const known = (d.metrics ?? []).filter((m) => m.name in (d.latest ?? {}))
  if (known.length === 0) return '–'
  return (
    <ul className="pairs">
      {known.slice(0, 4).map((m) => (
        <li key={m.name}>
          <span className="quiet">{text(m.title) || m.name}</span> <span className="nowrap">{figure(d.latest[m.name])} {unit(m.unit)}</span>
        </li>
      ))}
    </ul>
  )
}

function columnsOf({ t, text, word, unit }: Words, agent: Named): Column<Device>[] {
  const values = (d: Device) => (d.metrics ?? []).filter((m) => m.name in (d.latest ?? {})).map((m) => `${text(m.title) || m.name} ${figure(d.latest[m.name])} ${unit(m.unit)}`)
  return [
    {
      key: 'name',
      title: t('device.name'),
      cell: (d) => (
        <>
          <Link to={`/devices/${d.id}`}>{text(d.name) || d.id}</Link>
          <div className="quiet">
            {word('deviceKind', d.kind)} · <span className="mono">{d.id}</span>
          </div>
        </>
      ),
      text: (d) => d.id,
    },
    {
      key: 'liveness',
      title: t('dataset.state'),
      cell: (d) => (
        <>
          <State family="liveness" value={d.liveness} />
          {d.life && d.life !== 'active' && <div><State family="life" value={d.life} /></div>}
          {(d.flags ?? []).map((f) => (
            <div key={f}>
              <span className="tone warn">{word('flag', f)}</span>
            </div>
          ))}
        </>
      ),
      text: (d) => [word('liveness', d.liveness), ...(d.flags ?? []).map((f) => word('flag', f))].join(' '),
    },
    { key: 'latest', wide: true, title: t('device.latest'), cell: (d) => <Newest d={d} />, text: (d) => values(d).join('; ') },
    { key: 'seen', title: t('device.seen'), cell: (d) => <time className="stacked" dateTime={d.lastSeen ?? ''}>{second(d.lastSeen) || '–'}</time>, text: (d) => second(d.lastSeen) },
    { key: 'grid', title: t('device.grid'), optional: true, cell: (d) => d.grid, text: (d) => d.grid },
    { key: 'owner', title: t('device.owner'), optional: true, cell: (d) => agent(d.owner, d.ownerName), text: (d) => agent(d.owner, d.ownerName) },
    { key: 'site', title: t('device.site'), optional: true, cell: (d) => d.site, text: (d) => d.site },
  ]
}

/** useFind opens the device whose label's code was typed or scanned; what is no code narrows the list. */
function useFind(change: (changes: { query: string }) => void) {
  const navigate = useNavigate()
  return useCallback(
    (typed: string) => {
      const code = shortCode(typed)
      const narrow = () => change({ query: typed })
      if (!code) narrow()
      else plinth.getDeviceByCode({ code }).then((d) => void navigate(`/devices/${d.id}`), narrow)
    },
    [change, navigate],
  )
}

export default function Devices() {
  const w = useWords()
  const { t, text } = w
  const { has } = useSession()
  const navigate = useNavigate()
  const { filters, change, key } = useFilters(names)
  const agents = useAgents()
  const streets = agents.filter((a) => a.kind === 'street' || a.kind === 'town')
  const list = usePaged(key, async (pageToken, signal) => {
    const a = await plinth.listDevices({ ...filters, pageToken, pageSize: 25 }, { signal })
    return { rows: a.devices ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useFind(change)
  const named = (of: typeof agents) => of.map((a) => ({ value: a.id, label: text(a.name) }))
  return (
    <>
      <PageHead title={t('nav.devices')} about={t('devices.about')}>
        {has('operator', 'provider', 'steward') && <Button onClick={() => void navigate('/devices/labels')}>{t('devices.labels')}</Button>}
        {has('operator') && (
          <>
            <Button onClick={() => void navigate('/devices/import')}>{t('devices.import')}</Button>
            <Button type="primary" onClick={() => void navigate('/devices/new')}>
              {t('devices.new')}
            </Button>
          </>
        )}
      </PageHead>
      <div className="map-and-list">
        <Sheet title={t('devices.map')}>
          <DeviceMap filters={filters} change={change} />
        </Sheet>
        <Sheet>
          <FilterBar label={t('filter.title')}>
            <SearchBox label={t('devices.byCode')} value={filters.query} onSearch={search} />
            <Choose label={t('device.kind')} value={filters.kind} options={useKinds()} onChange={(kind) => change({ kind })} />
            <Choose label={t('device.street')} value={filters.street} options={named(streets)} onChange={(street) => change({ street })} />
            <Choose label={t('dataset.state')} width={110} value={filters.liveness} options={useOptions('liveness', livenesses)} onChange={(liveness) => change({ liveness })} />
            <Choose label={t('device.owner')} value={filters.owner} options={named(agents.filter((a) => a.kind === 'bureau' || a.kind === 'centre'))} onChange={(owner) => change({ owner })} />
            <Choose label={t('device.life')} width={110} value={filters.life} options={useOptions('life', lives)} onChange={(life) => change({ life })} />
          </FilterBar>
          <PagedTable name="devices-2" label={t('nav.devices')} of={list} columns={columnsOf(w, useNames())} rowKey={(d) => d.id} empty={t('devices.empty')} />
        </Sheet>
      </div>
    </>
  )
}
