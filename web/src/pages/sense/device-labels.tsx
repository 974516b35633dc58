import Button from 'antd/es/button'
import Checkbox from 'antd/es/checkbox'
import InputNumber from 'antd/es/input-number'
import { useCallback, useState } from 'react'
import { type Device, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { Act } from '../../parts/object'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Failure } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { type Named, useAgents, useNames } from '../catalog/agents'
import { LabelCode } from './code-picture'
import { useKinds } from './kinds'
import { perSheet, sheetsOf } from './label-sheets'

const names = ['query', 'kind', 'street', 'owner'] as const
const most = 1200
type Chosen = ReadonlyMap<string, Device>

/** DeviceLabels prints what is stuck on devices: choose them, see the sheets, print. */
export default function DeviceLabels() {
  const w = useWords()
  const { t, text } = w
  const { filters, change, key } = useFilters(names)
  const agents = useAgents()
  const agent = useNames()
  const [chosen, setChosen] = useState<Chosen>(new Map())
  const [blank, setBlank] = useState(0)
  const list = usePaged(`labels ${key}`, async (pageToken, signal) => {
    const a = await plinth.listDevices({ ...filters, pageToken, pageSize: 25 }, { signal })
    return { rows: a.devices ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const all = useAll(filters, setChosen)
  const search = useCallback((query: string) => change({ query }), [change])
  const pick = (devices: Device[], on: boolean) => setChosen((held) => picked(held, devices, on))
  const named = (of: typeof agents) => of.map((a) => ({ value: a.id, label: text(a.name) }))
  const total = Number(list.data?.total ?? 0)
  const sheets = sheetsOf([...chosen.values()], blank)
  return (
    <>
      <div className="no-print">
        <PageHead title={t('labels.title')} about={t('labels.about')}>
          <Act primary {...(chosen.size ? {} : { blocked: t('labels.none') })} onClick={() => print()}>
            {t('labels.print', { n: whole(chosen.size) })}
          </Act>
        </PageHead>
        <Sheet title={t('labels.choose')}>
          <FilterBar label={t('filter.title')}>
            <SearchBox label={t('devices.byCode')} value={filters.query} onSearch={search} />
            <Choose label={t('device.kind')} value={filters.kind} options={useKinds()} onChange={(kind) => change({ kind })} />
            <Choose label={t('device.street')} value={filters.street} options={named(agents.filter((a) => a.kind === 'street' || a.kind === 'town'))} onChange={(street) => change({ street })} />
            <Choose label={t('device.owner')} value={filters.owner} options={named(agents.filter((a) => a.kind === 'bureau' || a.kind === 'centre'))} onChange={(owner) => change({ owner })} />
          </FilterBar>
          <div className="acts" style={{ marginBottom: 8 }}>
            <Button size="small" disabled={!list.data?.rows.length} onClick={() => pick(list.data?.rows ?? [], true)}>
              {t('labels.pickPage')}
            </Button>
            <Button size="small" loading={all.busy} disabled={total === 0 || total > most} onClick={all.pick}>
              {t('labels.pickAll', { n: whole(total) })}
            </Button>
            {total > most && <span className="quiet">{t('labels.tooMany', { most: whole(most) })}</span>}
            <Button size="small" disabled={chosen.size === 0} onClick={() => setChosen(new Map())}>
              {t('labels.clear')}
            </Button>
          </div>
          <Failure error={all.error} />
          <PagedTable name="label-devices" label={t('labels.choose')} of={list} columns={columnsOf(w, agent, chosen, pick)} rowKey={(d) => d.id} empty={t('devices.empty')} />
        </Sheet>
        {sheets.length > 0 && (
          <div className="sheet" style={{ marginTop: 16 }}>
            <h2>{t('labels.preview')}</h2>
            <p className="quiet">
              {t('labels.chosen', { n: whole(chosen.size), pages: whole(sheets.length) })} · {t('labels.printAbout')}
            </p>
            <label htmlFor="labels-blank">
              {t('labels.skip')} <InputNumber id="labels-blank" min={0} max={perSheet - 1} precision={0} value={blank} onChange={(n) => setBlank(n ?? 0)} />
            </label>
          </div>
        )}
      </div>
      {sheets.length > 0 && <Sheets of={sheets} agent={agent} />}
    </>
  )
}

function picked(held: Chosen, devices: Device[], on: boolean): Chosen {
  const next = new Map(held)
  for (const d of devices) {
    if (on) next.set(d.id, d)
    else next.delete(d.id)
  }
  return next
}

/** useAll picks every device that the filters let through, page after page. */
function useAll(filters: Record<(typeof names)[number], string>, set: (change: (held: Chosen) => Chosen) => void) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const pick = async () => {
    setBusy(true)
    setError(null)
    try {
      const devices: Device[] = []
      let pageToken = ''
      do {
        const a = await plinth.listDevices({ ...filters, pageToken, pageSize: 200 })
        devices.push(...(a.devices ?? []))
        pageToken = a.nextPageToken
      } while (pageToken && devices.length < most)
      set((held) => picked(held, devices, true))
    } catch (cause) {
      setError(cause)
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, pick: () => void pick() }
}

function columnsOf({ t, text, word }: Words, agent: Named, chosen: Chosen, pick: (devices: Device[], on: boolean) => void): Column<Device>[] {
  const name = (d: Device) => text(d.name) || d.id
  return [
    { key: 'name', title: t('device.name'), cell: (d) => <Checkbox checked={chosen.has(d.id)} aria-label={t('labels.pickOne', { name: name(d) })} onChange={(e) => pick([d], e.target.checked)}>{name(d)}</Checkbox>, text: name },
    { key: 'id', title: t('newDevice.id'), cell: (d) => <span className="mono">{d.id}</span>, text: (d) => d.id },
    { key: 'kind', title: t('device.kind'), cell: (d) => word('deviceKind', d.kind), text: (d) => word('deviceKind', d.kind) },
    { key: 'place', title: t('device.site'), wide: true, cell: (d) => placeOf(d, agent), text: (d) => placeOf(d, agent) },
    { key: 'code', title: t('record.code'), optional: true, cell: (d) => <span className="mono">{d.code}</span>, text: (d) => d.code },
  ]
}

const placeOf = (d: Device, agent: Named) => [agent(d.street), d.site].filter(Boolean).join(' ')

/** Sheets are the labels as they are printed; the screen shows the same, smaller. */
function Sheets({ of, agent }: { of: (Device | null)[][]; agent: Named }) {
  const { t } = useWords()
  return (
    <div className="label-sheets" tabIndex={0} role="region" aria-label={t('labels.preview')}>
      {of.map((sheet, n) => (
        <div key={sheet.find((d) => d)?.id ?? n} className="label-sheet">
          {sheet.map((d, place) => (d ? <Label key={d.id} d={d} place={placeOf(d, agent)} /> : <div key={place} className="label" />))}
        </div>
      ))}
    </div>
  )
}

function Label({ d, place }: { d: Device; place: string }) {
  const { t, text } = useWords()
  return (
    <div className="label">
      <LabelCode code={d.code} label={t('device.labelCode', { id: d.id, code: d.code })} />
      <div>
        <b>{text(d.name) || d.id}</b>
        <span className="mono">{d.code}</span>
        <span>{d.id}</span>
        <span>{place}</span>
      </div>
    </div>
  )
}
