import Button from 'antd/es/button'
import { useCallback, useEffect } from 'react'
import { useParams } from 'react-router'
import { type EvidenceJob, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { save, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note, Shown, State } from '../../parts/states'
import { second } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { type AuditReport, readAudit, readDrill } from './audit-report'
import { DrillResult } from './drill-result'
import { counted, duration, lasted, portion } from './job-progress'

/** While it runs, it is asked again this often. */
const pause = 1000

/** AuditPage shows one audit or drill: its progress while it runs, and afterwards what it found. */
export default function AuditPage() {
  const { id = '' } = useParams()
  const job = useLoad(`evidence job ${id}`, (signal) => plinth.getEvidenceJob({ jobId: id }, { signal }))
  const { data, reload } = job
  useEffect(() => {
    if (data?.state !== 'running') return
    const wait = setTimeout(reload, pause)
    return () => clearTimeout(wait)
  }, [data, reload])
  return <Shown of={job}>{(j) => <JobShown j={j} put={job.put} />}</Shown>
}

function JobShown({ j, put }: { j: EvidenceJob; put: (j: EvidenceJob) => void }) {
  const w = useWords()
  const { t, word } = w
  return (
    <>
      <PageHead title={`${word('jobKind', j.kind)} · ${second(j.startedAt)}`} about={<State family="jobState" value={j.state} />}>
        {j.state === 'running' && <Cancel j={j} put={put} />}
        {j.report && <Button onClick={() => save(`${j.kind}-${j.jobId}.json`, 'application/json', JSON.stringify(j.report, null, 2))}>{t('job.download')}</Button>}
      </PageHead>
      <Outcome j={j} />
      <Sheet title={t('job.about')}>
        <Facts
          of={[
            [t('job.by'), j.startedBy],
            [t('job.startedAt'), second(j.startedAt)],
            [t('job.endedAt'), second(j.endedAt)],
            [t('job.took'), lasted(w, j)],
            ...(j.kind === 'drill' ? ([[t('drill.rounds'), whole(j.rounds)], [t('drill.seed'), j.seed]] as [string, string][]) : []),
          ]}
        />
      </Sheet>
    </>
  )
}

function Outcome({ j }: { j: EvidenceJob }) {
  const { t } = useWords()
  if (j.state === 'running') return <Running j={j} />
  if (j.state === 'failed') return <Note tone="late" title={t('job.failed')}><p>{j.reason}</p></Note>
  if (j.state === 'cancelled') return <Note tone="warn" title={t('job.cancelled')} />
  if (j.state === 'interrupted') return <Note tone="warn" title={t('job.interrupted')} />
  return j.kind === 'drill' ? <DrillResult of={readDrill(j.report ?? {})} verdict={j.word} /> : <AuditShown of={readAudit(j.report ?? {})} />
}

function Running({ j }: { j: EvidenceJob }) {
  const { t, word } = useWords()
  return (
    <Sheet title={t('job.progress')}>
      <p role="status">
        <b>{j.stage ? word('auditStage', j.stage) : t('job.waiting')}</b> {j.stage && counted(j)}
      </p>
      <progress value={portion(j)} max={100} aria-label={t('job.progress')} />
      <p className="quiet">{t('job.leave')}</p>
    </Sheet>
  )
}

const cancel = (key: string, jobId: string) => plinth.cancelEvidenceJob({ jobId }, { key })

function Cancel({ j, put }: { j: EvidenceJob; put: (j: EvidenceJob) => void }) {
  const { t } = useWords()
  const { has } = useSession()
  const { run, busy, error } = useWrite(cancel, useCallback((next: EvidenceJob) => put(next), [put]))
  return (
    <>
      <Act danger busy={busy} {...(has('auditor') ? {} : { blocked: t('audits.onlyAuditor') })} onClick={() => void run(j.jobId)}>
        {t('job.cancel')}
      </Act>
      <Failure error={error} />
    </>
  )
}

/** AuditShown says the verdict first, then the first bad object, what was looked at, and what was not. */
function AuditShown({ of }: { of: AuditReport }) {
  const { t, word } = useWords()
  return (
    <>
      <Note tone={of.proven ? 'ok' : 'late'} title={<span className="verdict">{word('auditVerdict', of.word)}</span>}>
        {of.fault && (
          <>
            <p>
              {t('audit.firstBad')} <b className="mono">{of.fault.object}</b> ({word('auditStage', of.fault.stage)})
            </p>
            <p>{of.fault.reason}</p>
            <p>{t('audit.badDo')}</p>
          </>
        )}
      </Note>
      <p className="quiet">{t('audit.own')}</p>
      <div className="columns" style={{ marginBottom: 16 }}>
        <Sheet title={t('audit.stages')}>
          <Stages of={of} />
        </Sheet>
        <Sheet title={t('verify.notChecked')}>
          <ul>
            {of.notChecked.map((s) => (
              <li key={s.what}>
                {word('notChecked', s.what)} {s.count ? `(${whole(s.count)})` : ''}
              </li>
            ))}
          </ul>
          {of.notChecked.length === 0 && <p className="quiet">{t('verify.nothing')}</p>}
        </Sheet>
      </div>
    </>
  )
}

function Stages({ of }: { of: AuditReport }) {
  const w = useWords()
  const { t, word } = w
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t('audit.stages')}>
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">{t('audit.stage')}</th>
            <th scope="col" className="number">{t('audit.count')}</th>
            <th scope="col" className="number">{t('job.took')}</th>
          </tr>
        </thead>
        <tbody>
          {of.stages.map((s) => (
            <tr key={s.stage}>
              <td>{word('auditStage', s.stage)}</td>
              <td className="number">{whole(s.count)}</td>
              <td className="number">{duration(w, s.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
