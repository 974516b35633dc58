import { Link } from 'react-router'
import { plinth, type Run } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { PageHead, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { LiveSheet } from './live-sheet'

export function runColumns({ t, word }: Words, deadLink: boolean): Column<Run>[] {
  return [
    { key: 'pipeline', title: t('run.pipeline'), cell: (r) => <>{r.pipeline}<div className="mono quiet">{r.id}</div></>, text: (r) => r.pipeline },
    { key: 'kind', title: t('record.kind'), cell: (r) => word('runKind', r.kind), text: (r) => word('runKind', r.kind) },
    { key: 'source', title: t('run.source'), cell: (r) => <span className="break">{r.source}</span>, text: (r) => r.source },
    { key: 'state', title: t('dataset.state'), cell: (r) => <><State family="runState" value={r.state} />{r.error && <div>{r.error}</div>}</>, text: (r) => word('runState', r.state) },
    { key: 'in', title: t('run.in'), number: true, cell: (r) => whole(r.rowsIn), text: (r) => r.rowsIn },
    { key: 'stored', title: t('run.stored'), number: true, cell: (r) => whole(r.rowsStored), text: (r) => r.rowsStored },
    { key: 'known', title: t('run.known'), number: true, cell: (r) => whole(r.rowsKnown), text: (r) => r.rowsKnown },
    { key: 'dead', title: t('run.dead'), number: true, cell: (r) => (deadLink && r.rowsDead !== '0' ? <Link to={`/dead-letters?runId=${r.id}`}>{whole(r.rowsDead)}</Link> : whole(r.rowsDead)), text: (r) => r.rowsDead },
    { key: 'started', title: t('run.started'), cell: (r) => <span className="nowrap">{second(r.startedAt)}</span>, text: (r) => second(r.startedAt) },
    { key: 'ended', title: t('run.ended'), optional: true, cell: (r) => <span className="nowrap">{second(r.endedAt) || '–'}</span>, text: (r) => second(r.endedAt) },
    { key: 'by', title: t('run.by'), optional: true, cell: (r) => r.startedBy, text: (r) => r.startedBy },
  ]
}

export default function Runs() {
  const w = useWords()
  const { t } = w
  const { has } = useSession()
  const list = usePaged('runs', async (pageToken, signal) => {
    const a = await plinth.listRuns({ pageToken, pageSize: 50 }, { signal })
    return { rows: a.runs ?? [], next: a.nextPageToken }
  })
  return (
    <>
      <PageHead title={t('nav.runs')} about={t('runs.about')}>
        {has('operator') && <Link to="/import">{t('nav.import')}</Link>}
      </PageHead>
      <LiveSheet />
      <Sheet>
        <PagedTable name="runs" label={t('nav.runs')} of={list} columns={runColumns(w, has('operator', 'steward'))} rowKey={(r) => r.id} empty={t('runs.empty')} />
      </Sheet>
    </>
  )
}
