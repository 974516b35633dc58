import Button from 'antd/es/button'
import { useState } from 'react'
import { Link } from 'react-router'
import { type Pipeline, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { figure, whole } from '../../parts/figures'
import { useLive } from '../../parts/live'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { State } from '../../parts/states'
import { type Column, LoadedTable } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { type Named, useNames } from '../catalog/agents'
import { lagWord, worstFirst } from './flow'

export function pipelineTitle(p: Pipeline, w: Words): string {
  return w.text(p.title) || w.word('deviceKind', p.id)
}

function columnsOf(w: Words, agent: Named, rates: Record<string, number>, dead: boolean): Column<Pipeline>[] {
  const { t, word } = w
  const rate = (p: Pipeline) => rates[p.source?.domain || p.id] ?? p.figures?.rowsPerS ?? 0
  const lag = (p: Pipeline) => (p.figures?.newestAt ? lagWord(Number(p.figures.lagMs), t) : '–')
  return [
    {
      key: 'pipeline',
      title: t('run.pipeline'),
      cell: (p) => (
        <>
          <Link to={`/pipelines/${p.id}`}>{pipelineTitle(p, w)}</Link>
          <div className="quiet">{word('pipelineKind', p.kind)} · {agent(p.owner, p.ownerName)}</div>
        </>
      ),
      text: (p) => p.id,
    },
    {
      key: 'health',
      title: t('dataset.state'),
      cell: (p) => (
        <>
          <State family="health" value={p.figures?.health ?? ''} />
          {p.state === 'paused' && <div className="quiet">{p.pausedWhy}</div>}
          {p.figures?.lastError && <div>{p.figures.lastError}</div>}
        </>
      ),
      text: (p) => word('health', p.figures?.health ?? ''),
    },
    { key: 'rate', title: t('pipelines.rate'), number: true, cell: (p) => figure(rate(p)), text: (p) => String(rate(p)) },
    { key: 'lag', title: t('pipelines.lag'), number: true, cell: lag, text: (p) => p.figures?.lagMs ?? '' },
    { key: 'backlog', title: t('pipelines.backlog'), number: true, cell: (p) => (p.figures?.backlog === '-1' ? '–' : whole(p.figures?.backlog)), text: (p) => p.figures?.backlog ?? '' },
    { key: 'stored', title: t('run.stored'), number: true, cell: (p) => whole(p.figures?.rowsStored), text: (p) => p.figures?.rowsStored ?? '' },
    { key: 'dead', title: t('run.dead'), number: true, cell: (p) => (dead && p.figures && p.figures.rowsDead !== '0' ? <Link to={`/dead-letters?pipeline=${p.id}`}>{whole(p.figures.rowsDead)}</Link> : whole(p.figures?.rowsDead)), text: (p) => p.figures?.rowsDead ?? '' },
    { key: 'at', title: t('pipelines.storedAt'), optional: true, cell: (p) => second(p.figures?.storedAt) || '–', text: (p) => second(p.figures?.storedAt) },
  ]
}

/** Pipelines are all ways that data comes in, those that need someone first; the rates move by themselves. */
export default function Pipelines() {
  const w = useWords()
  const { t } = w
  const { has } = useSession()
  const agent = useNames()
  const [paused, setPaused] = useState(false)
  const [rates, setRates] = useState<Record<string, number>>({})
  const list = useLoad('pipelines', async (signal) => worstFirst((await plinth.listPipelines({}, { signal })).pipelines ?? []), true)
  const open = useLive({ ingest: (all) => setRates(Object.fromEntries(all.map((r) => [r.domain, r.rows]))) }, paused)
  return (
    <>
      <PageHead title={t('nav.pipelines')} about={t('pipelines.about')}>
        <span className={`tone ${open ? 'ok' : 'plain'}`}>{t(paused ? 'live.paused' : open ? 'live.open' : 'live.broken')}</span>
        <Button aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {t(paused ? 'live.resume' : 'live.pause')}
        </Button>
        <Button onClick={list.reload}>{t('act.refresh')}</Button>
        <Link to="/runs">{t('nav.runs')}</Link>
      </PageHead>
      <Sheet>
        <LoadedTable name="pipelines" label={t('nav.pipelines')} of={list} columns={columnsOf(w, agent, rates, has('operator', 'steward'))} rowKey={(p) => p.id} empty={t('runs.empty')} />
      </Sheet>
    </>
  )
}
