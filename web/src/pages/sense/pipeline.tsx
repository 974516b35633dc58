import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useEffect, useRef, useState } from 'react'
import { Link, useParams } from 'react-router'
import { type Pipeline, type PipelineCheck, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { figure, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { ObjectFrame } from '../../parts/object'
import { Facts, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Evidence, Failure, Note, Shown, State } from '../../parts/states'
import { type Column, PagedTable, Table } from '../../parts/table'
import { second } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useNames } from '../catalog/agents'
import { lagWord } from './flow'
import { pipelineTitle } from './pipelines'
import { Replays } from './replays'
import { runColumns } from './runs'

/** Figures are asked for again while the page is open. */
const again = 10_000

export default function PipelinePage() {
  const { id = '' } = useParams()
  const pipeline = useLoad(`pipeline ${id}`, (signal) => plinth.getPipeline({ id }, { signal }))
  const { reload } = pipeline
  useEffect(() => {
    const turn = setInterval(reload, again)
    return () => clearInterval(turn)
  }, [reload])
  return <Shown of={pipeline}>{(p) => <PipelineShown p={p} put={pipeline.put} />}</Shown>
}

function PipelineShown({ p, put }: { p: Pipeline; put: (p: Pipeline) => void }) {
  const w = useWords()
  const { t, word } = w
  const agent = useNames()
  return (
    <ObjectFrame
      title={pipelineTitle(p, w)}
      marks={
        <>
          <span className="mono">{p.id}</span>
          <span>{word('pipelineKind', p.kind)}</span>
          <State family="health" value={p.figures?.health ?? ''} />
          <span>{agent(p.owner, p.ownerName)}</span>
          {p.evidence?.recordId && <Evidence of={p.evidence} />}
        </>
      }
      acts={<PauseOrResume p={p} put={put} />}
      notes={
        p.state === 'paused' && (
          <Note tone="warn" title={t('pipeline.isPaused', { who: p.pausedByName || p.pausedBy, at: second(p.pausedAt) })}>
            <p>{p.pausedWhy}</p>
          </Note>
        )
      }
      tabs={[
        { key: 'runs', title: t('pipeline.runs'), content: <RunsOf id={p.id} /> },
        { key: 'checks', title: t('pipeline.checks'), content: <Checks of={p.checks ?? []} /> },
        ...(p.kind === 'stream' ? [{ key: 'replays', title: t('replay.tab'), content: <Replays pipeline={p} /> }] : []),
        { key: 'yaml', title: t('pipeline.yaml'), content: <pre className="mono yaml" tabIndex={0}>{p.yaml}</pre> },
      ]}
      aside={<Figures p={p} />}
    />
  )
}

function Figures({ p }: { p: Pipeline }) {
  const { t } = useWords()
  const f = p.figures
  return (
    <Sheet title={t('pipeline.figures')}>
      <Facts
        of={[
          [t('pipelines.rate'), f && `${figure(Math.round(f.rowsPerS * 10) / 10)} ${t('live.perSecond')}`],
          [t('pipelines.lag'), f?.newestAt && lagWord(Number(f.lagMs), t)],
          [t('pipelines.backlog'), f && f.backlog !== '-1' ? whole(f.backlog) : ''],
          [t('run.in'), whole(f?.rowsIn)],
          [t('run.stored'), whole(f?.rowsStored)],
          [t('run.known'), whole(f?.rowsKnown)],
          [t('run.dead'), <Link key="d" to={`/dead-letters?pipeline=${p.id}`}>{whole(f?.rowsDead)}</Link>],
          [t('pipelines.storedAt'), second(f?.storedAt)],
          [t('pipeline.error'), f?.lastError],
        ]}
      />
    </Sheet>
  )
}

function RunsOf({ id }: { id: string }) {
  const w = useWords()
  const list = usePaged(`runs of ${id}`, async (pageToken, signal) => {
    const a = await plinth.listRuns({ pipeline: id, pageToken, pageSize: 30 }, { signal })
    return { rows: a.runs ?? [], next: a.nextPageToken }
  })
  return <PagedTable name="pipeline-runs" label={w.t('nav.runs')} of={list} columns={runColumns(w, true).filter((c) => c.key !== 'pipeline' && c.key !== 'kind')} rowKey={(r) => r.id} empty={w.t('runs.empty')} />
}

function Checks({ of }: { of: PipelineCheck[] }) {
  const { t } = useWords()
  const rule = (c: PipelineCheck) => [c.required && t('check.required'), c.pattern, (c.oneOf ?? []).join(', '), c.min !== undefined && `≥ ${c.min}`, c.max !== undefined && `≤ ${c.max}`, c.unit].filter(Boolean).join(' · ')
  const columns: Column<PipelineCheck>[] = [
    { key: 'name', title: t('pipeline.check'), cell: (c) => c.name, text: (c) => c.name },
    { key: 'field', title: t('difference.field'), cell: (c) => <code>{[c.metric, c.field].filter(Boolean).join('.')}</code>, text: (c) => c.field },
    { key: 'rule', title: t('pipeline.rule'), cell: rule, text: rule },
    { key: 'standard', title: t('pipeline.standard'), cell: (c) => c.standard, text: (c) => c.standard },
  ]
  return <Table name="checks" label={t('pipeline.checks')} columns={columns} rows={of} rowKey={(c, n) => `${c.name} ${n}`} empty={t('pipeline.noChecks')} />
}

/** PauseOrResume asks why before it does either. */
function PauseOrResume({ p, put }: { p: Pipeline; put: (p: Pipeline) => void }) {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const [reason, setReason] = useState('')
  const may = p.actions ?? []
  const pause = may.includes('pause')
  const write = useWrite(
    (key) => (pause ? plinth.pausePipeline({ id: p.id, reason: reason.trim() }, { key }) : plinth.resumePipeline({ id: p.id, reason: reason.trim() }, { key })),
    (next: Pipeline) => {
      dialog.current?.close()
      setReason('')
      put(next)
    },
  )
  if (!pause && !may.includes('resume')) return null
  const verb = t(pause ? 'pipeline.pause' : 'pipeline.resume')
  return (
    <>
      <Button danger={pause} type={pause ? 'default' : 'primary'} onClick={() => dialog.current?.showModal()}>
        {verb}
      </Button>
      <dialog ref={dialog} className="ask" aria-labelledby="pause-title">
        <h2 id="pause-title">{verb}</h2>
        <p className="quiet">{t(pause ? 'pipeline.pauseAbout' : 'pipeline.resumeAbout')}</p>
        <label htmlFor="pause-reason">{t('deviceActs.why')}</label>
        <Input id="pause-reason" value={reason} onChange={(e) => setReason(e.target.value)} />
        <Failure error={write.error} />
        <div className="acts" style={{ marginTop: 12 }}>
          <Button type="primary" disabled={!reason.trim()} loading={write.busy} onClick={() => void write.run()}>
            {verb}
          </Button>
          <Button onClick={() => dialog.current?.close()}>{t('act.cancel')}</Button>
        </div>
      </dialog>
    </>
  )
}
