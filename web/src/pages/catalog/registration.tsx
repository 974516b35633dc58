import Input from 'antd/es/input'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { type Change, plinth, type Registration } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'
import { Act, ObjectFrame } from '../../parts/object'
import { Facts } from '../../parts/page'
import { Evidence, Failure, Note, Shown, State } from '../../parts/states'
import { Timeline } from '../../parts/timeline'
import { minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useAgents } from './agents'
import { Due } from './registrations'

/** These acts must say why. */
const withReason = ['return', 'reject', 'object']
const forward = ['submit', 'accept', 'review', 'notice', 'register']

export default function RegistrationPage() {
  const { id = '' } = useParams()
  const registration = useLoad(`registration ${id}`, (signal) => plinth.getRegistration({ id }, { signal }))
  return <Shown of={registration}>{(r) => <RegistrationShown r={r} put={registration.put} />}</Shown>
}

function RegistrationShown({ r, put }: { r: Registration; put: (r: Registration) => void }) {
  const { t, text, word } = useWords()
  return (
    <ObjectFrame
      title={t('registration.title', { kind: word('kind', r.kind), title: text(r.datasetTitle) })}
      marks={
        <>
          <State family="state" value={r.state} />
          <Evidence of={r.evidence} />
          <Link to={`/datasets/${r.datasetId}`}>{t('registration.toDataset')}</Link>
        </>
      }
      notes={<Acting r={r} put={put} />}
      tabs={[
        { key: 'difference', title: t('tab.difference'), content: <Difference changes={r.changes ?? []} /> },
        {
          key: 'about',
          title: t('tab.about'),
          content: (
            <Facts
              of={[
                [t('registration.kind'), word('kind', r.kind)],
                [t('registration.waitsOn'), word('role', r.waitsOn)],
                [t('registration.due'), <Due key="d" at={r.dueAt} />],
                [t('registration.created'), minute(r.createdAt)],
                [t('dataset.updated'), minute(r.updatedAt)],
              ]}
            />
          ),
        },
      ]}
      aside={<Timeline items={r.timeline} />}
    />
  )
}

/** Acting is the step that waits: whose turn it is, the note, and one button for each thing that may be done. */
function Acting({ r, put }: { r: Registration; put: (r: Registration) => void }) {
  const { t, word } = useWords()
  const [note, setNote] = useState('')
  const [missing, setMissing] = useState(false)
  const act = useWrite(
    (key, action: string, reason: string) => plinth.actOnRegistration({ id: r.id, action, note: reason }, { key }),
    (next) => {
      setNote('')
      put(next)
    },
  )
  const actions = r.actions ?? []
  if (actions.length === 0) {
    return r.waitsOn ? <Note tone="wait" title={t('registration.notYours', { role: word('role', r.waitsOn) })} /> : null
  }
  const run = (action: string) => {
    const needs = withReason.includes(action) && !note.trim()
    setMissing(needs)
    if (!needs) void act.run(action, note.trim())
  }
  return (
    <div className="sheet" style={{ marginBottom: 16 }}>
      <header>
        <h2>{t('registration.yours')}</h2>
        <span>
          {t('registration.due')} <Due at={r.dueAt} />
        </span>
      </header>
      <label htmlFor="act-note">{t('registration.note')}</label>
      <Input.TextArea
        id="act-note"
        rows={2}
        value={note}
        status={missing ? 'error' : ''}
        aria-describedby="act-note-help"
        aria-invalid={missing}
        onChange={(e) => setNote(e.target.value)}
      />
      <p id="act-note-help" className="quiet" style={{ margin: '4px 0 10px' }}>
        {missing ? <b style={{ color: 'var(--late)' }}>{t('registration.noteMissing')}</b> : t('registration.noteHelp')}
      </p>
      <Failure error={act.error} />
      <div className="acts">
        {[...actions].sort((a, b) => Number(forward.includes(b)) - Number(forward.includes(a))).map((action) => (
          <Act key={action} primary={forward.includes(action)} danger={action === 'reject' || action === 'cancel'} busy={act.busy} onClick={() => run(action)}>
            {word('act', action)}
          </Act>
        ))}
      </div>
    </div>
  )
}

/** Difference shows the proposal field by field, old beside new. */
export function Difference({ changes }: { changes: Change[] }) {
  const { t, text, word } = useWords()
  const agents = useAgents()
  // Values of code lists are shown by their word; the lines of a dataset's columns hold several.
  const valueOf = (field: string, value: string) => {
    if (field === 'publisher') return text(agents.find((a) => a.id === value)?.name) || value
    if (!field.startsWith('fields.')) return word(field, value)
    const [title, ...rest] = value.split(' · ')
    return [title, ...rest.map((part) => word('type', word('grade', word('sensitivity', part))))].join(' · ')
  }
  if (changes.length === 0) return <p className="quiet">{t('difference.none')}</p>
  return (
    <div className="scroll whole" tabIndex={0} role="region" aria-label={t('tab.difference')}>
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">{t('difference.field')}</th>
            <th scope="col">{t('difference.old')}</th>
            <th scope="col">{t('difference.new')}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((c) => (
            <tr key={c.field}>
              <th scope="row" style={{ background: 'none' }}>
                <FieldName path={c.field} />
              </th>
              <td>{c.old ? <del className="old">{valueOf(c.field, c.old)}</del> : <span className="quiet">{t('difference.absent')}</span>}</td>
              <td>{c.new ? <ins className="new" style={{ textDecoration: 'none' }}>{valueOf(c.field, c.new)}</ins> : <span className="quiet">{t('difference.removed')}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** FieldName gives the field's own word, and its path for who knows the API. */
function FieldName({ path }: { path: string }) {
  const { t, word } = useWords()
  const column = /^fields\.(.+)$/.exec(path)?.[1]
  if (column) return <>{t('difference.column')} <code>{column}</code></>
  const known = word('changed', path.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()))
  return <>{known}</>
}
