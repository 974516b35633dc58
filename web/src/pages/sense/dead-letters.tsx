import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useCallback, useState } from 'react'
import { type ActOnDeadLettersResponse, type CountDeadLettersResponse_Reason, type DeadLetter, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Choose, FilterBar, SearchBox } from '../../parts/filters'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters, usePaged } from '../../parts/paged'
import { Evidence, Failure, Note, Shown, State } from '../../parts/states'
import { type Column, PagedTable, Table, useOptions } from '../../parts/table'
import { minute, second } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'

const names = ['source', 'runId', 'pipeline', 'field', 'reason', 'state'] as const
const states = ['open', 'replayed', 'dropped'] as const

function columnsOf({ t, word, reason }: Words, open: (id: string) => void): Column<DeadLetter>[] {
  return [
    { key: 'at', title: t('record.at'), cell: (d) => <span className="stacked">{second(d.at)}</span>, text: (d) => second(d.at) },
    { key: 'source', title: t('run.source'), cell: (d) => <span className="break">{d.source}{d.row !== '0' && ` : ${whole(d.row)}`}</span>, text: (d) => `${d.source} ${d.row}` },
    { key: 'reason', wide: true, title: t('dead.reason'), cell: (d) => <><code>{d.field}</code> {reason(d.reason)}</>, text: (d) => `${d.field}: ${reason(d.reason)}` },
    { key: 'count', title: t('dead.inputs'), number: true, cell: (d) => whole(d.count), text: (d) => d.count },
    { key: 'state', title: t('dataset.state'), cell: (d) => <><State family="letterState" value={d.state} />{d.actReason && <div className="quiet">{d.actReason}</div>}</>, text: (d) => word('letterState', d.state) },
    { key: 'payload', title: t('dead.payload'), cell: (d) => (d.id ? <Button size="small" onClick={() => open(d.id)}>{t('dead.open')}</Button> : <Payload of={d.payload} />), text: (d) => d.payload },
    { key: 'run', title: t('dead.run'), optional: true, cell: (d) => <span className="mono">{d.runId}</span>, text: (d) => d.runId },
  ]
}

/** Payload is what came, of a letter that cannot be acted on. */
function Payload({ of }: { of: string }) {
  const { t } = useWords()
  return (
    <details>
      <summary>{t('dead.show')}</summary>
      <pre className="mono" style={{ whiteSpace: 'pre-wrap', margin: 0 }}>
        {of}
      </pre>
    </details>
  )
}

/** DeadLetters are grouped by reason first: who mends one cause sends all of it again. One letter can be mended in place. */
export default function DeadLetters() {
  const w = useWords()
  const { t } = w
  const { filters, change, key } = useFilters(names)
  const [opened, setOpened] = useState('')
  const [turn, setTurn] = useState(0)
  const ask = { ...filters, state: filters.state || 'open' }
  const list = usePaged(`${key} ${turn}`, async (pageToken, signal) => {
    const a = await plinth.listDeadLetters({ ...ask, pageToken, pageSize: 50 }, { signal })
    return { rows: a.deadLetters ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const search = useCallback((source: string) => change({ source }), [change])
  const done = () => setTurn((n) => n + 1)
  return (
    <>
      <PageHead title={t('nav.deadLetters')} about={t('dead.about')} />
      {ask.state === 'open' && <Reasons key={`${filters.pipeline} ${turn}`} pipeline={filters.pipeline} picked={filters} pick={change} done={done} />}
      {opened && <Letter key={opened} id={opened} close={() => setOpened('')} done={() => { setOpened(''); done() }} />}
      <Sheet title={t('dead.letters')}>
        <FilterBar label={t('filter.title')}>
          <SearchBox label={t('run.source')} value={filters.source} onSearch={search} />
          <Choose label={t('dataset.state')} value={ask.state === 'open' ? '' : ask.state} all={t('letterState.open')} options={useOptions('letterState', states).slice(1)} onChange={(state) => change({ state })} />
          {(['pipeline', 'field', 'reason', 'runId'] as const).filter((n) => filters[n]).map((n) => (
            <Button key={n} onClick={() => change({ [n]: '' })}>
              {(n === 'reason' ? w.reason(filters[n]) : filters[n]).slice(0, 40)} ×
            </Button>
          ))}
        </FilterBar>
        <PagedTable name="dead-letters-2" label={t('nav.deadLetters')} of={list} columns={columnsOf(w, setOpened)} rowKey={(d, n) => `${d.id} ${n}`} empty={t('dead.empty')} />
      </Sheet>
    </>
  )
}

type Reason = CountDeadLettersResponse_Reason

function Reasons({ pipeline, picked, pick, done }: { pipeline: string; picked: { field: string; reason: string }; pick: (f: { pipeline: string; field: string; reason: string; runId: string }) => void; done: () => void }) {
  const { t, reason } = useWords()
  const { has } = useSession()
  const counts = useLoad(`dead reasons ${pipeline}`, (signal) => plinth.countDeadLetters({ pipeline }, { signal }))
  const columns: Column<Reason>[] = [
    { key: 'reason', wide: true, title: t('dead.reason'), cell: (r) => <button type="button" className="as-link" onClick={() => pick({ pipeline: r.pipeline, field: r.field, reason: r.reason, runId: '' })}>{r.field && <code>{r.field}</code>} {reason(r.reason)}</button>, text: (r) => `${r.field}: ${reason(r.reason)}` },
    { key: 'pipeline', title: t('run.pipeline'), cell: (r) => r.pipeline, text: (r) => r.pipeline },
    { key: 'inputs', title: t('dead.inputs'), number: true, cell: (r) => whole(r.inputs), text: (r) => r.inputs },
    { key: 'last', title: t('dead.last'), cell: (r) => <span className="nowrap">{minute(r.lastAt)}</span>, text: (r) => minute(r.lastAt) },
  ]
  return (
    <Shown of={counts}>
      {(c) => {
        if ((c.reasons ?? []).length === 0) return null
        const chosen = (c.reasons ?? []).find((r) => r.field === picked.field && r.reason === picked.reason)
        return (
          <Sheet title={t('dead.byReason', { n: whole(c.inputs) })}>
            <Table name="dead-reasons" label={t('dead.byReason', { n: whole(c.inputs) })} columns={columns} rows={(c.reasons ?? []).slice(0, 50)} rowKey={(r) => `${r.pipeline} ${r.field} ${r.reason}`} empty={t('dead.empty')} />
            {has('operator') && chosen && <ActOnAll r={chosen} done={done} />}
          </Sheet>
        )
      }}
    </Shown>
  )
}

/** ActOnAll sends all open letters of one reason again, or drops them. */
function ActOnAll({ r, done }: { r: Reason; done: () => void }) {
  const { t, reason: said } = useWords()
  const [reason, setReason] = useState('')
  const filter = { pipeline: r.pipeline, field: r.field, reason: r.reason }
  return <Acts id="all" title={t('dead.allOf', { n: whole(r.letters), reason: said(r.reason) })} reason={reason} setReason={setReason} done={done} replay={(key) => plinth.replayDeadLetters({ filter, reason: reason.trim() }, { key })} drop={(key) => plinth.dropDeadLetters({ filter, reason: reason.trim() }, { key })} />
}

/** Letter is one dead letter with all of its payload, which can be mended where it stands. */
function Letter({ id, close, done }: { id: string; close: () => void; done: () => void }) {
  const { t } = useWords()
  const letter = useLoad(`letter ${id}`, (signal) => plinth.getDeadLetter({ id }, { signal }))
  return (
    <Sheet title={t('dead.one')} extra={<Button onClick={close}>{t('act.close')}</Button>}>
      <Shown of={letter}>{(d) => <LetterShown d={d} done={done} />}</Shown>
    </Sheet>
  )
}

function LetterShown({ d, done }: { d: DeadLetter; done: () => void }) {
  const { t, reason: said } = useWords()
  const [payload, setPayload] = useState(d.payload)
  const [reason, setReason] = useState('')
  const may = d.actions ?? []
  const mended = payload !== d.payload
  return (
    <>
      <Note tone="late" title={`${d.field}: ${said(d.reason)}`}>
        <p className="quiet">
          {d.source}
          {d.row !== '0' && ` : ${whole(d.row)}`} · {second(d.at)} <Evidence of={d.evidence} />
        </p>
      </Note>
      {may.length > 0 && !may.includes('replay') && <p>{t('dead.noReplay')}</p>}
      {(d.binary || d.truncated) && <p className="quiet">{t(d.binary ? 'dead.binary' : 'dead.truncated')}</p>}
      <label htmlFor="letter-payload">{t('dead.payload')}</label>
      <Input.TextArea id="letter-payload" className="mono" autoSize={{ minRows: 3, maxRows: 16 }} readOnly={!may.includes('replay')} value={payload} onChange={(e) => setPayload(e.target.value)} />
      {may.length > 0 && <Acts id="one" title={mended ? t('dead.mended') : ''} reason={reason} setReason={setReason} done={done} replay={may.includes('replay') ? (key) => plinth.replayDeadLetters({ ids: [d.id], reason: reason.trim(), ...(mended ? { payload } : {}) }, { key }) : undefined} drop={(key) => plinth.dropDeadLetters({ ids: [d.id], reason: reason.trim() }, { key })} />}
    </>
  )
}

interface ActsProps {
  id: string
  title: string
  reason: string
  setReason: (r: string) => void
  /** Absent where nothing can be sent again. */
  replay?: ((key: string) => Promise<ActOnDeadLettersResponse>) | undefined
  drop: (key: string) => Promise<ActOnDeadLettersResponse>
  done: () => void
}

/** Acts asks what was corrected, sends or drops, and tells what has come of it. */
function Acts({ id, title, reason, setReason, replay, drop, done }: ActsProps) {
  const { t } = useWords()
  const [answer, setAnswer] = useState<ActOnDeadLettersResponse | null>(null)
  const again = useWrite(replay ?? drop, setAnswer)
  const away = useWrite(drop, setAnswer)
  const blocked = reason.trim() ? {} : { blocked: t('alarm.sayWhy') }
  const closed = answer !== null && answer.closed === answer.taken
  return (
    <>
      {answer && <Came of={answer} done={done} />}
      {!closed && (
        <>
          {title && <p>{title}</p>}
          <div className="acts" style={{ marginTop: 8 }}>
            <label htmlFor={`letter-why-${id}`}>{t('dead.why')}</label>
            <Input id={`letter-why-${id}`} style={{ width: 280 }} value={reason} onChange={(e) => setReason(e.target.value)} />
            {replay && (
              <Act primary busy={again.busy} {...blocked} onClick={() => void again.run()}>
                {t('dead.replay')}
              </Act>
            )}
            <Button danger loading={away.busy} disabled={!reason.trim()} onClick={() => void away.run()}>
              {t('dead.drop')}
            </Button>
          </div>
        </>
      )}
      <Failure error={again.error ?? away.error} />
    </>
  )
}

/** Came is what has come of an act: what was refused again stays open, to be mended further where it stands. */
function Came({ of, done }: { of: ActOnDeadLettersResponse; done: () => void }) {
  const { t, reason } = useWords()
  return (
    <div style={{ marginTop: 12 }}>
      <Note tone={of.closed === of.taken ? 'ok' : 'warn'} title={t('dead.result', { closed: whole(of.closed), taken: whole(of.taken), rows: whole(of.rowsStored) })}>
        {of.more && <p>{t('dead.more')}</p>}
        {(of.again ?? []).slice(0, 5).map((a) => (
          <p key={a.id}>
            {t('dead.stillOpen')} <code>{a.field}</code> {reason(a.reason)}
          </p>
        ))}
        <p>
          <Button size="small" onClick={done}>
            {t('act.refresh')}
          </Button>
        </p>
      </Note>
    </div>
  )
}
