import Input from 'antd/es/input'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { type Alert, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { figure } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Evidence, Failure, Shown, State } from '../../parts/states'
import { minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { bandOf } from './alerts'

export default function AlertPage() {
  const { id = '' } = useParams()
  const alert = useLoad(`alert ${id}`, (signal) => plinth.getAlert({ id }, { signal }))
  return <Shown of={alert}>{(a) => <AlertShown a={a} put={alert.put} />}</Shown>
}

function AlertShown({ a, put }: { a: Alert; put: (a: Alert) => void }) {
  const { t, text } = useWords()
  return (
    <>
      <PageHead title={text(a.title) || a.rule} about={<><State family="alertState" value={a.state} /> <State family="band" value={bandOf(a.severity)} /> {a.severity} · {minute(a.at)}</>} />
      <div className="object">
        <div>
          <Sheet title={t('alert.findings')}>
            <Findings a={a} />
          </Sheet>
          <Sheet title={t('alert.decisions')}>
            {(a.decisionIds ?? []).length === 0 && <p className="quiet">{t('alert.noDecisions')}</p>}
            <ul className="words">
              {(a.decisionIds ?? []).map((d) => (
                <li key={d}>
                  <Link className="mono" to={`/decisions/${d}`}>
                    {d}
                  </Link>
                </li>
              ))}
            </ul>
          </Sheet>
        </div>
        <aside>
          <Handle a={a} put={put} />
          <Sheet title={t('tab.about')}>
            <Facts
              of={[
                [t('alert.consumer'), a.consumerName || a.consumer],
                [t('grant.department'), a.departmentName],
                [t('grant.dataset'), a.datasetId && <Link key="d" className="mono" to={`/datasets/${a.datasetId}`}>{a.datasetId}</Link>],
                [t('alert.rule'), <code key="r">{a.rule}</code>],
                [t('alert.handledBy'), a.handledBy],
                [t('registration.note'), a.note],
                [t('evidence.word'), <Evidence key="e" of={a.evidence} />],
              ]}
            />
          </Sheet>
        </aside>
      </div>
    </>
  )
}

/** Findings: what was observed beside what was expected. */
function Findings({ a }: { a: Alert }) {
  const { t, text } = useWords()
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t('alert.findings')}>
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">{t('alert.feature')}</th>
            <th scope="col" className="number">{t('alert.observed')}</th>
            <th scope="col" className="number">{t('alert.expected')}</th>
            <th scope="col" className="number">{t('alert.score')}</th>
          </tr>
        </thead>
        <tbody>
          {(a.findings ?? []).map((f) => (
            <tr key={f.feature}>
              <td>
                <b>{text(f.detail)}</b>
                <div className="mono quiet">{f.feature}</div>
              </td>
              <td className="number">{figure(f.observed)}</td>
              <td className="number">{figure(f.expected)}</td>
              <td className="number">{figure(f.score)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Handle({ a, put }: { a: Alert; put: (a: Alert) => void }) {
  const { t, word } = useWords()
  const [note, setNote] = useState('')
  const handle = useWrite(
    (key, action: string, text: string) => plinth.handleAlert({ id: a.id, action, note: text }, { key }),
    (next: Alert) => {
      setNote('')
      put(next)
    },
  )
  const actions = a.actions ?? []
  if (actions.length === 0) return null
  return (
    <Sheet title={t('alert.handle')}>
      <label htmlFor="handle-note">{t('registration.note')}</label>
      <Input.TextArea id="handle-note" rows={2} value={note} onChange={(e) => setNote(e.target.value)} />
      <p className="quiet">{t('alert.handleHelp')}</p>
      <Failure error={handle.error} />
      <div className="acts">
        {actions.map((action, n) => (
          <Act key={action} primary={n === 0} danger={action === 'contain'} busy={handle.busy} onClick={() => void handle.run(action, note.trim())}>
            {word('act', action)}
          </Act>
        ))}
      </div>
    </Sheet>
  )
}
