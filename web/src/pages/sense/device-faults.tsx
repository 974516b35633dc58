import Button from 'antd/es/button'
import { type Ref, useState } from 'react'
import { Link } from 'react-router'
import { type DeviceFault, plinth, type RuleCount } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { fetchFile } from '../../parts/figures'
import { Choose, FilterBar } from '../../parts/filters'
import { Sheet } from '../../parts/page'
import { type Filters, usePaged } from '../../parts/paged'
import { Failure } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { useSession } from '../../session'
import { type Named, useAgents, useNames } from '../catalog/agents'
import { useKinds } from './kinds'

/** What the list is narrowed by, beside the period. */
export const faultFilters = ['owner', 'kind', 'street', 'figure', 'rule', 'unregistered'] as const
export type FaultFilters = Filters<(typeof faultFilters)[number]>
const figures = ['archive', 'accuracy', 'online'] as const

interface Props {
  period: string
  filters: FaultFilters
  change: (changes: Partial<FaultFilters>) => void
  /** All rules that somebody breaks, with their titles. */
  rules: RuleCount[]
  at: Ref<HTMLDivElement>
}

/** DeviceFaults are the devices behind the figures: which one, what is wrong with it, and where it is mended. */
export function DeviceFaults({ period, filters, change, rules, at }: Props) {
  const w = useWords()
  const { t, text } = w
  const { has } = useSession()
  const [error, setError] = useState<unknown>(null)
  const agents = useAgents()
  const ask = { period, ...filters, unregistered: filters.unregistered === 'true' }
  const list = usePaged(`device faults ${JSON.stringify(ask)}`, async (pageToken, signal) => {
    const a = await plinth.listDeviceFaults({ ...ask, pageToken, pageSize: 25 }, { signal })
    return { rows: a.faults ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const whole = () => void fetchFile(`/v1/device-faults.csv?${new URLSearchParams({ period, ...filters })}`, 'device-faults.csv').catch(setError)
  const named = (of: typeof agents) => of.map((a) => ({ value: a.id, label: text(a.name) }))
  return (
    <div ref={at} style={{ marginTop: 16, scrollMarginTop: 64 }}>
      <Sheet title={t('faults.title')} extra={<Button size="small" onClick={whole}>{t('faults.csv')}</Button>}>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('device.owner')} value={filters.owner} options={named(agents.filter((a) => a.kind === 'bureau' || a.kind === 'centre'))} onChange={(owner) => change({ owner })} />
          <Choose label={t('device.kind')} value={filters.kind} options={useKinds()} onChange={(kind) => change({ kind })} />
          <Choose label={t('device.street')} value={filters.street} options={named(agents.filter((a) => a.kind === 'street' || a.kind === 'town'))} onChange={(street) => change({ street })} />
          <Choose label={t('faults.figure')} width={110} value={filters.figure} options={useOptions('figure', figures)} onChange={(figure) => change({ figure })} />
          <Choose label={t('faults.rule')} width={200} value={filters.rule} options={rules.map((r) => ({ value: r.rule, label: text(r.title) || r.rule }))} onChange={(rule) => change({ rule })} />
          {filters.unregistered && <Button onClick={() => change({ unregistered: '' })}>{t('faults.strangers')} ×</Button>}
        </FilterBar>
        <Failure error={error} />
        <PagedTable name="device-faults" label={t('faults.title')} of={list} columns={columnsOf(w, useNames(), has('operator'))} rowKey={(f) => `${f.deviceId} ${f.rule}`} empty={t('faults.none')} />
      </Sheet>
    </div>
  )
}

function columnsOf({ t, text, word }: Words, agent: Named, mends: boolean): Column<DeviceFault>[] {
  const detail = (f: DeviceFault) => text(f.detail)
  const owner = (f: DeviceFault) => (f.owner ? agent(f.owner, f.ownerName) : '–')
  return [
    {
      key: 'device',
      title: t('device.name'),
      cell: (f) => (
        <>
          {f.registered ? <Link to={`/devices/${encodeURIComponent(f.deviceId)}`}>{text(f.name) || f.deviceId}</Link> : <span className="tone warn">{t('faults.stranger')}</span>}
          <div className="quiet">
            {word('deviceKind', f.kind)} · <span className="mono">{f.deviceId}</span>
          </div>
        </>
      ),
      text: (f) => f.deviceId,
    },
    { key: 'rule', title: t('faults.rule'), wide: true, cell: (f) => text(f.title) || f.rule, text: (f) => text(f.title) || f.rule },
    { key: 'detail', title: t('faults.detail'), wide: true, cell: (f) => <span className="break">{detail(f) || '–'}</span>, text: detail },
    { key: 'figure', title: t('faults.figure'), cell: (f) => word('figure', f.figure), text: (f) => word('figure', f.figure) },
    { key: 'owner', title: t('device.owner'), cell: owner, text: owner },
    { key: 'street', title: t('device.street'), optional: true, cell: (f) => agent(f.street), text: (f) => agent(f.street) },
    ...(mends ? [{ key: 'mend', title: t('faults.mend'), cell: (f: DeviceFault) => <Mend f={f} />, text: () => '' }] : []),
  ]
}

/** Mend leads an operator to where a fault of the file is put right; silence is not mended by typing. */
function Mend({ f }: { f: DeviceFault }) {
  const { t } = useWords()
  if (!f.registered || !f.field) return '–'
  return <Link to={`/devices/${encodeURIComponent(f.deviceId)}/edit`}>{t('faults.mend')}</Link>
}
