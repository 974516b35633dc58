import Input from 'antd/es/input'
import Radio from 'antd/es/radio'
import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'react-router'
import { type Alarm, type Device, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { useLive } from '../../parts/live'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Evidence, Failure, Note, Shown, State } from '../../parts/states'
import { Timeline } from '../../parts/timeline'
import { minute, second } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { useNames } from '../catalog/agents'
import { AlarmRows } from './alarm-rows'
import { RespondBy } from './alarm-table'
import { gradeName } from './grades'

const outcomes = ['real', 'false', 'duplicate', 'maintenance'] as const

export default function AlarmPage() {
  const { id = '' } = useParams()
  const alarm = useLoad(`alarm ${id}`, (signal) => plinth.getAlarm({ id }, { signal }), true)
  useLive({ alarm: (a) => a.id === id && alarm.reload() }, false)
  return <Shown of={alarm}>{(a) => <AlarmShown a={a} reload={alarm.reload} />}</Shown>
}

function AlarmShown({ a, reload }: { a: Alarm; reload: () => void }) {
  const w = useWords()
  const { t, text, word } = w
  const agent = useNames()
  const device = useLoad(`device ${a.deviceId}`, (signal) => plinth.getDevice({ id: a.deviceId }, { signal }))
  const withdrawn = a.state === 'withdrawn' && [...(a.timeline ?? [])].reverse().find((s) => s.action === 'withdrawn')
  return (
    <>
      <PageHead
        title={text(a.title) || a.rule}
        about={
          <span className="marks">
            <State family="alarmGrade" value={gradeName(a.grade || a.peakGrade)} />
            <State family="alarmState" value={a.state} />
            <Link to={`/devices/${a.deviceId}`}>{text(a.deviceName) || a.deviceId}</Link>
            <span>{a.endedAt ? t('alarm.over', { from: minute(a.since), to: minute(a.endedAt) }) : t('alarm.sinceNow', { at: minute(a.since) })}</span>
          </span>
        }
      />
      {withdrawn && (
        <Note tone="warn" title={t('alarm.withdrawn')}>
          <p>{withdrawn.note || t('alarm.withdrawnAbout')}</p>
        </Note>
      )}
      <div className="alarm-page">
        <div className="found-part">
          <Sheet title={t('alarm.found')}>
            <p className="found">{text(a.text) || text(a.title)}</p>
            {a.basis && <p className="quiet">{t('alarm.basis', { basis: a.basis })}</p>}
            <AlarmRows a={a} />
          </Sheet>
        </div>
        <div className="about-part">
          <Sheet title={t('tab.about')}>
            <Facts
              of={[
                [t('alarm.unit'), agent(a.unit, a.unitName)],
                [t('alarm.respondBy'), <RespondBy key="r" a={a} />],
                [t('alarm.place'), [agent(a.street), a.grid, a.site].filter(Boolean).join(' · ')],
                [t('alarm.since'), second(a.since)],
                [t('alarm.raised'), second(a.raisedAt)],
                [t('alarm.ended'), second(a.endedAt) || t('alarm.lasts')],
                ...factsOf(a, w, device.data),
                ...(a.permit ? [[t('alarm.permit'), <Excuse key="p" a={a} />] as [string, ReactNode]] : []),
                ...(a.outcome ? [[t('alarm.outcome'), `${word('outcome2', a.outcome)} ${a.note}`] as [string, ReactNode]] : []),
                [t('alert.rule'), <code key="c">{`${a.kind}/${a.rule} @ ${a.packVersion}`}</code>],
                [t('evidence.word'), <Evidence key="e" of={a.evidence} />],
              ]}
            />
          </Sheet>
        </div>
        <aside>
          <Handle key={a.state} a={a} done={reload} />
          <Timeline items={(a.timeline ?? []).map((s) => ({ at: s.at, action: `alarm.${s.action}`, actor: s.actor, actorName: s.actorName || s.actor || t('alarm.service'), note: s.note, evidence: s.evidence }))} />
        </aside>
      </div>
    </>
  )
}

/** factsOf are the numbers of the verdict, each with its unit. */
function factsOf(a: Alarm, { text, word, unit }: Words, device: Device | undefined): [string, ReactNode][] {
  const facts = a.facts ?? {}
  const measured = (value: string) => (facts.unit && !Number.isNaN(Number(value)) ? `${value} ${unit(facts.unit)}` : value)
  const shown: Record<string, (value: string) => string> = {
    metric: (v) => text(device?.metrics?.find((m) => m.name === v)?.title) || v,
    attr: (v) => word('attr', v),
    value: measured,
    limit: measured,
  }
  return Object.entries(facts)
    .filter(([name]) => name !== 'unit')
    .map(([name, value]) => [word('fact', name), shown[name]?.(value) ?? word('factValue', value)])
}

/** Excuse is the permit that would excuse what was found, or where one is put on record. */
function Excuse({ a }: { a: Alarm }) {
  const { t } = useWords()
  const { has } = useSession()
  if (a.permit !== 'none') return a.permit
  return (
    <>
      {t('alarm.noPermit')} {has('operator', 'provider') && a.site && <Link to={`/permits?site=${encodeURIComponent(a.site)}`}>{t('permit.put')}</Link>}
    </>
  )
}

/** Handle is what the caller may do now: take it, say what was found, or take that back. */
function Handle({ a, done }: { a: Alarm; done: () => void }) {
  const { t, word } = useWords()
  const [outcome, setOutcome] = useState('')
  const [note, setNote] = useState('')
  const may = a.actions ?? []
  const take = useWrite((key) => plinth.acknowledgeAlarm({ id: a.id, note: note.trim() }, { key }), done)
  const handle = useWrite((key) => plinth.handleAlarm({ id: a.id, outcome, note: note.trim() }, { key }), done)
  const reopen = useWrite((key) => plinth.reopenAlarm({ id: a.id, note: note.trim() }, { key }), done)
  if (may.length === 0) return null
  const noteless = note.trim() === ''
  const handleFault = !outcome ? t('alarm.chooseOutcome') : outcome !== 'real' && noteless ? t('alarm.sayWhy') : ''
  return (
    <Sheet title={t('alert.handle')}>
      {may.includes('handle') && (
        <fieldset className="outcomes">
          <legend>{t('alarm.outcome')}</legend>
          <Radio.Group value={outcome} onChange={(e) => setOutcome(String(e.target.value))} options={outcomes.map((v) => ({ value: v, label: word('outcome2', v) }))} />
        </fieldset>
      )}
      <label htmlFor="alarm-note">{t('registration.note')}</label>
      <Input.TextArea id="alarm-note" rows={2} value={note} onChange={(e) => setNote(e.target.value)} />
      <p className="quiet">{t('alarm.noteHelp')}</p>
      <Failure error={take.error ?? handle.error ?? reopen.error} />
      <div className="acts">
        {may.includes('acknowledge') && (
          <Act primary={!outcome} busy={take.busy} onClick={() => void take.run()}>
            {t('alarm.acknowledge')}
          </Act>
        )}
        {may.includes('handle') && (
          <Act primary={Boolean(outcome) || !may.includes('acknowledge')} busy={handle.busy} {...(handleFault ? { blocked: handleFault } : {})} onClick={() => void handle.run()}>
            {t('alarm.handle')}
          </Act>
        )}
        {may.includes('reopen') && (
          <Act busy={reopen.busy} {...(noteless ? { blocked: t('alarm.sayWhy') } : {})} onClick={() => void reopen.run()}>
            {t('alarm.reopen')}
          </Act>
        )}
      </div>
    </Sheet>
  )
}
