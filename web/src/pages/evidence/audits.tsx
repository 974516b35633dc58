import Input from 'antd/es/input'
import { useCallback, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { type EvidenceJob, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { Act } from '../../parts/object'
import { PageHead, Sheet } from '../../parts/page'
import { type Paged, usePaged } from '../../parts/paged'
import { Failure, State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { second } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { lasted } from './job-progress'

/** Audits is where an audit or a tamper drill is started, and where all earlier ones stand with what they found. */
export default function Audits() {
  const w = useWords()
  const { t } = w
  const { has } = useSession()
  const list = usePaged('evidence jobs', async (pageToken, signal) => {
    const a = await plinth.listEvidenceJobs({ pageToken, pageSize: 30 }, { signal })
    return { rows: a.jobs ?? [], next: a.nextPageToken }
  })
  const running = list.data?.rows.find((j) => j.state === 'running')
  return (
    <>
      <PageHead title={t('nav.audits')} about={t('audits.about')} />
      <div className="columns" style={{ marginBottom: 16 }}>
        <StartAudit blocked={whyNot(w, has('auditor'), running)} />
        <StartDrill blocked={whyNot(w, has('auditor'), running)} />
      </div>
      <Sheet title={t('audits.past')}>
        <Jobs of={list} />
      </Sheet>
    </>
  )
}

/** whyNot is why nothing can be started just now, if so. */
function whyNot({ t }: Words, may: boolean, running: EvidenceJob | undefined): string | undefined {
  if (!may) return t('audits.onlyAuditor')
  return running ? t('audits.oneAtATime') : undefined
}

function useStart(start: (key: string, ask: { seed: string; rounds: number }) => Promise<EvidenceJob>) {
  const navigate = useNavigate()
  return useWrite(start, useCallback((j: EvidenceJob) => void navigate(`/audits/${j.jobId}`), [navigate]))
}

const startAudit = (key: string) => plinth.startAudit({}, { key })
const startDrill = (key: string, ask: { seed: string; rounds: number }) => plinth.startDrill(ask, { key })

function StartAudit({ blocked }: { blocked: string | undefined }) {
  const { t } = useWords()
  const { run, busy, error } = useStart(startAudit)
  return (
    <Sheet title={t('audit.title')}>
      <p>{t('audit.about')}</p>
      <div className="acts">
        <Act primary busy={busy} {...(blocked ? { blocked } : {})} onClick={() => void run({ seed: '0', rounds: 0 })}>
          {t('audit.start')}
        </Act>
      </div>
      <Failure error={error} />
    </Sheet>
  )
}

const mostRounds = 10_000

function StartDrill({ blocked }: { blocked: string | undefined }) {
  const { t } = useWords()
  const [rounds, setRounds] = useState('20')
  const [seed, setSeed] = useState('1')
  const { run, busy, error } = useStart(startDrill)
  const fault = !/^\d{1,5}$/.test(rounds) || Number(rounds) < 1 || Number(rounds) > mostRounds ? t('drill.roundsFault', { most: mostRounds }) : !/^\d{1,18}$/.test(seed) ? t('drill.seedFault') : undefined
  const why = blocked ?? fault
  return (
    <Sheet title={t('drill.title')}>
      <p>{t('drill.about')}</p>
      <div className="acts" style={{ alignItems: 'end' }}>
        <label htmlFor="rounds">
          {t('drill.rounds')}
          <Input id="rounds" inputMode="numeric" value={rounds} style={{ width: 110 }} onChange={(e) => setRounds(e.target.value.trim())} />
        </label>
        <label htmlFor="seed">
          {t('drill.seed')}
          <Input id="seed" inputMode="numeric" value={seed} style={{ width: 150 }} onChange={(e) => setSeed(e.target.value.trim())} />
        </label>
        <Act busy={busy} {...(why ? { blocked: why } : {})} onClick={() => void run({ seed, rounds: Number(rounds) })}>
          {t('drill.start')}
        </Act>
      </div>
      <p className="quiet">{t('drill.seedHelp')}</p>
      <Failure error={error} />
    </Sheet>
  )
}

function columns(w: Words): Column<EvidenceJob>[] {
  const { t, word } = w
  return [
    { key: 'kind', title: t('job.kind'), cell: (j) => <Link to={`/audits/${j.jobId}`}>{word('jobKind', j.kind)}</Link>, text: (j) => word('jobKind', j.kind) },
    { key: 'state', title: t('dataset.state'), cell: (j) => <State family="jobState" value={j.state} />, text: (j) => word('jobState', j.state) },
    { key: 'word', title: t('verify.result'), cell: (j) => word('auditVerdict', j.word) || '–', text: (j) => word('auditVerdict', j.word) },
    { key: 'by', title: t('job.by'), cell: (j) => j.startedBy, text: (j) => j.startedBy },
    { key: 'at', title: t('job.startedAt'), cell: (j) => <span className="nowrap">{second(j.startedAt)}</span>, text: (j) => second(j.startedAt) },
    { key: 'took', title: t('job.took'), number: true, cell: (j) => lasted(w, j), text: (j) => lasted(w, j) },
  ]
}

function Jobs({ of }: { of: Paged<EvidenceJob> }) {
  const w = useWords()
  return <PagedTable name="audits" label={w.t('audits.past')} of={of} columns={columns(w)} rowKey={(j) => j.jobId} empty={w.t('audits.empty')} />
}
