import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useEffect, useState } from 'react'
import { type Pipeline, plinth, type Replay } from '../../api/plinth'
import { useWords } from '../../i18n'
import { whole } from '../../parts/figures'
import { DateBox, FilterBar } from '../../parts/filters'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Failure, Note, Shown, State } from '../../parts/states'
import { daysFrom, minute, startOfDay } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'

const turn = 2000

/** Replays send stored rows through the present code beside the real ones, and show what would come out otherwise. */
export function Replays({ pipeline }: { pipeline: Pipeline }) {
  const { t } = useWords()
  const { has } = useSession()
  const list = useLoad(`replays ${pipeline.id}`, async (signal) => (await plinth.listReplays({ pipeline: pipeline.id, pageSize: 10 }, { signal })).replays ?? [], true)
  const { reload } = list
  const busy = list.data?.some((r) => r.state === 'running' || r.state === 'applying') ?? false
  useEffect(() => {
    if (!busy) return
    const wait = setInterval(reload, turn)
    return () => clearInterval(wait)
  }, [busy, reload])
  return (
    <>
      <p className="quiet">{t('replay.about')}</p>
      {has('operator') && <Start pipeline={pipeline} then={reload} />}
      <Shown of={list}>
        {(all) => (
          <>
            {all.length === 0 && <p className="quiet">{t('replay.none')}</p>}
            {all.map((r) => (
              <One key={r.id} r={r} then={reload} />
            ))}
          </>
        )}
      </Shown>
    </>
  )
}

function Start({ pipeline, then }: { pipeline: Pipeline; then: () => void }) {
  const { t } = useWords()
  const [days, setDays] = useState({ from: daysFrom(new Date(), 0), to: daysFrom(new Date(), 0) })
  const start = useWrite((key, from: string, to: string) => plinth.startReplay({ pipeline: pipeline.id, from, to }, { key }), then)
  const send = () => void start.run(new Date(startOfDay(days.from)).toISOString(), new Date(startOfDay(daysFrom(new Date(startOfDay(days.to)), 1))).toISOString())
  return (
    <>
      <FilterBar label={t('replay.start')}>
        <DateBox label={t('records.from')} value={days.from} onChange={(from) => setDays({ ...days, from })} />
        <DateBox label={t('records.to')} value={days.to} onChange={(to) => setDays({ ...days, to })} />
        <Button loading={start.busy} disabled={!days.from || !days.to} onClick={send}>
          {t('replay.start')}
        </Button>
      </FilterBar>
      <Failure error={start.error} />
    </>
  )
}

function One({ r, then }: { r: Replay; then: () => void }) {
  const { t, word } = useWords()
  const [reason, setReason] = useState('')
  const cancel = useWrite((key) => plinth.cancelReplay({ id: r.id }, { key }), then)
  const apply = useWrite((key) => plinth.applyReplay({ id: r.id, reason: reason.trim() }, { key }), then)
  const may = r.actions ?? []
  return (
    <section className="replay">
      <div className="acts">
        <b>
          {minute(r.from)} – {minute(r.to)}
        </b>
        <State family="replayState" value={r.state} />
        <span className="quiet">
          {r.startedBy} · {minute(r.startedAt)} · {t('replay.rows', { n: whole(r.rows) })}
        </span>
      </div>
      {r.state === 'running' && <progress max={Number(r.total) || 1} value={Number(r.done)} aria-label={t('replay.progress', { done: r.done, total: r.total })} />}
      {r.error && <p>{r.error}</p>}
      {r.state === 'done' && (r.differences ?? []).every((d) => Number(d.different) === 0) && <Note tone="ok" title={t('replay.same')} />}
      {(r.differences ?? []).length > 0 && (
        <table className="grid dense">
          <thead>
            <tr>
              <th scope="col">{t('replay.what')}</th>
              <th scope="col" className="number">{t('replay.compared')}</th>
              <th scope="col" className="number">{t('replay.different')}</th>
              <th scope="col">{t('replay.examples')}</th>
            </tr>
          </thead>
          <tbody>
            {r.differences.map((d) => (
              <tr key={d.kind}>
                <td>{word('replayKind', d.kind)}</td>
                <td className="number">{whole(d.compared)}</td>
                <td className="number">{whole(d.different)}</td>
                <td>
                  {Object.entries(d.by ?? {}).map(([name, n]) => `${name} ${whole(n)}`).join(', ')}
                  {(d.examples ?? []).slice(0, 3).map((e) => (
                    <div key={`${e.device} ${e.metric} ${e.at} ${e.seq}`} className="quiet">
                      <code>{e.device}</code> {e.metric} {minute(e.at)}: <span className="old">{e.stored || '–'}</span> <span className="new">{e.replayed || '–'}</span>
                    </div>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Failure error={cancel.error ?? apply.error} />
      <div className="acts">
        {may.includes('cancel') && (
          <Act busy={cancel.busy} onClick={() => void cancel.run()}>
            {t('act.cancel')}
          </Act>
        )}
        {may.includes('apply') && (
          <>
            <label htmlFor={`why-${r.id}`}>{t('replay.why')}</label>
            <Input id={`why-${r.id}`} style={{ width: 260 }} value={reason} onChange={(e) => setReason(e.target.value)} />
            <Act danger busy={apply.busy} {...(reason.trim() ? {} : { blocked: t('alarm.sayWhy') })} onClick={() => void apply.run()}>
              {t('replay.apply')}
            </Act>
          </>
        )}
      </div>
    </section>
  )
}
