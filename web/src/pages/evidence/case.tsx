import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { send } from '../../api/call'
import { type CaseStep, type EvidenceCase, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { saveBlob, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note, Shown, State } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { subjectPath } from './subject'

/** CasePage is a procedure from its first step to its last: each with its record, and its place on the chain. */
export default function CasePage() {
  const { id = '' } = useParams()
  const found = useLoad(`case ${id}`, (signal) => plinth.getCase({ caseId: id }, { signal }))
  return <Shown of={found}>{(c) => <CaseShown c={c} />}</Shown>
}

function CaseShown({ c }: { c: EvidenceCase }) {
  const w = useWords()
  const { t, word } = w
  const steps = c.steps ?? []
  const refused = steps.filter((s) => s.state === 'refused')
  const waiting = steps.filter((s) => s.state === 'waiting' || s.state === 'pending')
  const path = subjectPath(c.caseId)
  return (
    <>
      <PageHead title={t('case.title')} about={path ? <Link className="mono" to={path}>{c.caseId}</Link> : <code>{c.caseId}</code>}>
        <CaseFile c={c} />
      </PageHead>
      {refused.length > 0 && (
        <Note tone="late" title={t('case.refused', { n: refused.length })}>
          <p>{t('case.refusedAbout')}</p>
        </Note>
      )}
      <div style={{ marginBottom: 16 }}>
        <Sheet title={t('case.stands')}>
          <Facts
            of={[
              [t('dataset.state'), c.state && <b key="s">{word('caseState', c.state)}</b>],
              [t('case.onChain'), `${whole(steps.filter((s) => s.state === 'put').length)} / ${whole(c.totalSize)}`],
              [t('case.waiting'), whole(waiting.length)],
            ]}
          />
        </Sheet>
      </div>
      <Sheet title={t('case.steps')}>
        {Number(c.totalSize) > steps.length && <p className="quiet">{t('case.newest', { n: whole(steps.length) })}</p>}
        <Table name="case" label={t('case.steps')} columns={columns(w)} rows={steps} rowKey={(s, n) => s.record?.recordId ?? String(n)} empty="" />
      </Sheet>
    </>
  )
}

/** CaseFile hands out the whole case, for plinth-verify case and for the verification page. */
function CaseFile({ c }: { c: EvidenceCase }) {
  const { t } = useWords()
  const { has } = useSession()
  const [error, setError] = useState<unknown>(null)
  if (!has('auditor', 'steward')) return null
  const run = () => {
    setError(null)
    send(`/v1/evidence/cases/${encodeURIComponent(c.caseId)}/file`).then(async (a) => saveBlob(`${c.caseId.replace(':', '-')}.plinth-case`, await a.blob()), setError)
  }
  return (
    <>
      <Act primary {...(c.state ? {} : { blocked: t('case.notYet') })} onClick={run}>
        {t('case.download')}
      </Act>
      <Failure error={error} />
    </>
  )
}

function columns({ t, word }: Words): Column<CaseStep>[] {
  return [
    { key: 'seq', title: t('case.seq'), number: true, cell: (s) => (s.seq === '0' ? '–' : s.seq), text: (s) => s.seq },
    { key: 'kind', title: t('record.kind'), cell: (s) => <Link to={`/evidence/${s.record?.recordId}`}>{word('action', s.kind)}</Link>, text: (s) => word('action', s.kind) },
    { key: 'at', title: t('record.at'), cell: (s) => <span className="nowrap">{second(s.record?.at)}</span>, text: (s) => second(s.record?.at) },
    { key: 'org', title: t('record.org'), cell: (s) => s.record?.org, text: (s) => s.record?.org ?? '' },
    { key: 'state', title: t('case.chainState'), wide: true, cell: (s) => <StepState s={s} />, text: (s) => word('stepState', s.state) },
    { key: 'index', title: t('record.index'), number: true, cell: (s) => (s.record?.state === 'pending' ? '–' : whole(s.record?.index)), text: (s) => s.record?.index ?? '' },
    { key: 'block', title: t('record.block'), number: true, cell: (s) => (s.block === '0' ? '–' : whole(s.block)), text: (s) => s.block },
    { key: 'tx', title: t('record.tx'), cell: (s) => s.txId && <span className="mono" title={s.txId}>{s.txId.slice(0, 12)}…</span>, text: (s) => s.txId },
    { key: 'evidence', title: t('evidence.word'), cell: (s) => <State family="evidence" value={s.record?.state ?? ''} />, text: (s) => word('evidence', s.record?.state ?? '') },
  ]
}

/** StepState is how the chain has taken a step, with the reason where it has not. */
function StepState({ s }: { s: CaseStep }) {
  return (
    <>
      <State family="stepState" value={s.state} />
      {s.reason && <div className="quiet">{s.reason}</div>}
    </>
  )
}
