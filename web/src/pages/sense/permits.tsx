import Button from 'antd/es/button'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { type ReactNode, useId, useRef, useState } from 'react'
import { type Permit, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { FilterBar, SearchBox } from '../../parts/filters'
import { Act } from '../../parts/object'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Failure, Note, State } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { type Named, useAgents, useNames } from '../catalog/agents'
import { blankPermit, faultOf, permitOf, standing } from './permit'

const kinds = ['night_work'] as const

/** Permits are what excuses an alarm: who may do what, where, and from when to when. */
export default function Permits() {
  const w = useWords()
  const { t } = w
  const { has } = useSession()
  const { filters, change, key } = useFilters(['site'] as const)
  const [turn, setTurn] = useState(0)
  const agent = useNames()
  const list = usePaged(`permits ${key} ${turn}`, async (pageToken, signal) => {
    const a = await plinth.listPermits({ ...filters, pageToken, pageSize: 30 }, { signal })
    return { rows: a.permits ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const done = () => setTurn((n) => n + 1)
  const may = has('operator', 'provider')
  return (
    <>
      <PageHead title={t('nav.permits')} about={t('permits.about')} />
      {may && <Put key={filters.site} site={filters.site} done={done} />}
      <Sheet title={t('permits.list')}>
        <FilterBar label={t('filter.title')}>
          <SearchBox label={t('permit.site')} value={filters.site} onSearch={(site) => change({ site })} />
        </FilterBar>
        <PagedTable name="permits" label={t('nav.permits')} of={list} columns={columnsOf(w, agent, may, done)} rowKey={(p) => p.id} empty={t('permits.empty')} />
      </Sheet>
    </>
  )
}

function columnsOf({ t, word }: Words, agent: Named, may: boolean, done: () => void): Column<Permit>[] {
  const now = new Date()
  return [
    { key: 'id', title: t('permit.id'), cell: (p) => <span className="mono break">{p.id}</span>, text: (p) => p.id },
    { key: 'kind', title: t('permit.kind'), optional: true, cell: (p) => word('permitKind', p.kind), text: (p) => word('permitKind', p.kind) },
    { key: 'site', title: t('permit.site'), wide: true, cell: (p) => [agent(p.street), p.site].filter(Boolean).join(' · '), text: (p) => p.site },
    { key: 'state', title: t('dataset.state'), cell: (p) => <State family="permitState" value={standing(p, now)} />, text: (p) => word('permitState', standing(p, now)) },
    { key: 'from', title: t('ask.from'), cell: (p) => <span className="stacked">{minute(p.from)}</span>, text: (p) => minute(p.from) },
    { key: 'to', title: t('ask.to'), cell: (p) => <span className="stacked">{minute(p.to)}</span>, text: (p) => minute(p.to) },
    { key: 'issuer', title: t('permit.issuer'), cell: (p) => agent(p.issuer), text: (p) => agent(p.issuer) },
    ...(may ? [{ key: 'revoke', title: t('permit.revoke'), cell: (p: Permit) => <Revoke p={p} done={done} />, text: () => '' }] : []),
  ]
}

function Revoke({ p, done }: { p: Permit; done: () => void }) {
  const { t } = useWords()
  const write = useWrite((key) => plinth.putPermits({ permits: [{ ...p, revoked: true }] }, { key }), done)
  const dialog = useRef<HTMLDialogElement>(null)
  if (p.revoked) return '–'
  return (
    <>
      <Button size="small" danger onClick={() => dialog.current?.showModal()}>
        {t('permit.revoke')}
      </Button>
      <dialog ref={dialog} className="ask" aria-label={t('permit.revoke')}>
        <h2>{t('permit.revokeThis', { id: p.id })}</h2>
        <p className="quiet">{t('permit.revokeAbout')}</p>
        <Failure error={write.error} />
        <div className="acts" style={{ marginTop: 12 }}>
          <Button danger loading={write.busy} onClick={() => void write.run()}>
            {t('permit.revoke')}
          </Button>
          <Button onClick={() => dialog.current?.close()}>{t('act.cancel')}</Button>
        </div>
      </dialog>
    </>
  )
}

function Field({ label, help, children }: { label: string; help?: string; children: (id: string) => ReactNode }) {
  const id = useId()
  return (
    <label htmlFor={id} style={{ display: 'grid', gap: 4, alignContent: 'start' }}>
      {label}
      {children(id)}
      {help && <span className="quiet">{help}</span>}
    </label>
  )
}

/** Put puts a permit on record; the same number again corrects it. */
function Put({ site, done }: { site: string; done: () => void }) {
  const { t, text } = useWords()
  const { account } = useSession()
  const agents = useAgents()
  const streets = agents.filter((a) => a.kind === 'street' || a.kind === 'town')
  const kindOptions = useOptions('permitKind', kinds)
  const [v, setV] = useState({ ...blankPermit, site, issuer: account?.department ?? '' })
  const [kept, setKept] = useState('')
  const set = (name: keyof typeof v) => (value: string) => setV({ ...v, [name]: value })
  const write = useWrite(
    (key) => plinth.putPermits({ permits: [permitOf(v)] }, { key }),
    () => {
      setKept(v.id)
      setV({ ...v, id: '' })
      done()
    },
  )
  const fault = faultOf(v)
  const input = (name: 'id' | 'site') => (id: string) => <Input id={id} data-name={name} value={v[name]} onChange={(e) => set(name)(e.target.value)} />
  const time = (name: 'from' | 'to') => (id: string) => <Input id={id} data-name={name} type="datetime-local" value={v[name]} onChange={(e) => set(name)(e.target.value)} />
  return (
    <>
      <Sheet title={t('permit.put')}>
        <div className="form" style={{ display: 'grid', gap: 12 }}>
          <Field label={t('permit.id')} help={t('permit.idHelp')}>{input('id')}</Field>
          <Field label={t('permit.kind')}>{(id) => <Select id={id} aria-label={t('permit.kind')} value={v.kind} options={kindOptions} onChange={set('kind')} />}</Field>
          <Field label={t('permit.site')} help={t('permit.siteHelp')}>{input('site')}</Field>
          <Field label={t('device.street')}>{(id) => <Select id={id} aria-label={t('device.street')} value={v.street} options={streets.map((a) => ({ value: a.id, label: text(a.name) }))} onChange={set('street')} />}</Field>
          <div className="form-row">
            <Field label={t('permit.from')}>{time('from')}</Field>
            <Field label={t('permit.to')}>{time('to')}</Field>
          </div>
          <Field label={t('permit.issuer')}>{(id) => <Select id={id} aria-label={t('permit.issuer')} value={v.issuer} showSearch={{ optionFilterProp: 'label' }} options={agents.map((a) => ({ value: a.id, label: text(a.name) }))} onChange={set('issuer')} />}</Field>
          <div className="acts">
            <Act primary busy={write.busy} {...(fault ? { blocked: t(fault) } : {})} onClick={() => void write.run()}>
              {t('permit.put')}
            </Act>
          </div>
          <Failure error={write.error} />
          {kept && <Note tone="ok" title={t('permit.kept', { id: kept })} />}
        </div>
      </Sheet>
      <div style={{ height: 16 }} />
    </>
  )
}
