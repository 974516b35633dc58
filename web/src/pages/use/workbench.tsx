import Button from 'antd/es/button'
import Select from 'antd/es/select'
import { lazy, Suspense, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { ApiError } from '../../api/call'
import { type Decision, type Grant, plinth, type RunQueryResponse } from '../../api/plinth'
import { useWords } from '../../i18n'
import { draftKey, readDraft, writeDraft } from '../../parts/draft'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { Failure, Loading, Note, Shown } from '../../parts/states'
import { day } from '../../parts/time'
import { useSession } from '../../session'
import { Columns, Filter } from './conditions'
import { DecisionShown } from './decision'
import { usePurposeName, usePurposes } from './purposes'
import { Result } from './result'

const Editor = lazy(() => import('./editor'))

/** Ran is what became of a query: rows with the decision behind them, or a denial explained, or a failure. */
interface Ran {
  answer?: RunQueryResponse
  denial?: Decision
  error?: unknown
}

export default function Workbench() {
  const { t } = useWords()
  const grants = useLoad('workbench grants', async (signal) => (await plinth.listGrants({ pageSize: 200 }, { signal })).grants ?? [])
  return (
    <>
      <PageHead title={t('nav.workbench')} about={t('workbench.about')} />
      <Shown of={grants}>{(all) => <Bench grants={all} />}</Shown>
    </>
  )
}

function Bench({ grants }: { grants: Grant[] }) {
  const { t, text, word } = useWords()
  const [params, setParams] = useSearchParams()
  const usable = grants.filter((g) => (g.actions ?? []).includes('query'))
  const wanted = params.get('grant') ?? usable[0]?.id ?? ''
  const grant = grants.find((g) => g.id === wanted)
  if (grants.length === 0) return <Note tone="wait" title={t('workbench.noGrants')}><Link to="/datasets">{t('nav.datasets')}</Link></Note>
  return (
    <>
      <Sheet>
        <div className="inline" style={{ alignItems: 'end' }}>
          <label htmlFor="grant" style={{ display: 'grid', gap: 2, flex: '1 1 320px' }}>
            {t('workbench.grant')}
            <Select
              id="grant"
              aria-label={t('workbench.grant')}
              value={wanted || undefined}
              onChange={(id: string) => setParams({ grant: id }, { replace: true })}
              options={grants.map((g) => ({ value: g.id, label: `${text(g.datasetTitle)} · ${t('overview.until', { day: day(g.notAfter) })} · ${word('grantState', g.state)} · ${g.id}` }))}
            />
          </label>
          {grant && <Link to={`/grants/${grant.id}`}>{t('workbench.theGrant')}</Link>}
        </div>
      </Sheet>
      {grant ? <Query key={grant.id} g={grant} /> : wanted && <Note tone="late" title={t('workbench.gone')} />}
    </>
  )
}

/** firstQuery reads a little of all granted columns. */
export function firstQuery(g: Grant): string {
  return `SELECT ${(g.columns ?? []).join(', ') || '*'}\nFROM ${g.database ? `${g.database}.` : ''}${g.view || 'view'}\nLIMIT 100`
}

function Query({ g }: { g: Grant }) {
  const { t, text } = useWords()
  const { account } = useSession()
  const purposes = usePurposes()
  const purposeName = usePurposeName()
  const draft = draftKey(account?.id ?? '', `sql.${g.id}`)
  const [sql, setSql] = useState(() => readDraft<string>(draft) ?? firstQuery(g))
  const [purpose, setPurpose] = useState(g.purpose)
  const [ran, setRan] = useState<Ran | null>(null)
  const [busy, setBusy] = useState(false)
  const change = (next: string) => {
    setSql(next)
    writeDraft(draft, next)
  }
  const run = async () => {
    if (busy) return
    setBusy(true)
    setRan(await ask(g, purpose, sql, account?.id ?? ''))
    setBusy(false)
  }
  return (
    <>
      <Sheet
        title={t('workbench.query')}
        extra={
          <label className="inline" style={{ alignItems: 'center' }} htmlFor="purpose">
            {t('grant.purpose')}
            <Select
              id="purpose"
              aria-label={t('grant.purpose')}
              style={{ width: 200 }}
              value={purpose}
              onChange={setPurpose}
              options={purposes.length ? purposes.map((p) => ({ value: p.id, label: text(p.name) })) : [{ value: g.purpose, label: purposeName(g.purpose) }]}
            />
          </label>
        }
      >
        <details style={{ marginBottom: 10 }}>
          <summary>{t('workbench.mayRead', { view: `${g.database}.${g.view}`, n: g.columns?.length ?? 0, rows: whole(g.rowsPerDay) })}</summary>
          <Columns of={g.columns} masks={g.masks} />
          <Filter all={g.allRows} conditions={g.filter} />
        </details>
        <Suspense fallback={<Loading />}>
          <Editor label={t('workbench.sql')} value={sql} onChange={change} onRun={() => void run()} />
        </Suspense>
        <div className="acts" style={{ marginTop: 10 }}>
          <Button type="primary" loading={busy} onClick={() => void run()}>
            {t('workbench.run')}
          </Button>
          <Button onClick={() => change(firstQuery(g))}>{t('workbench.reset')}</Button>
          <span className="quiet">{t('workbench.runHelp')}</span>
        </div>
      </Sheet>
      {ran && <Outcome ran={ran} />}
    </>
  )
}

/** ask runs the query. A denial's explanation is the decision that the service has recorded. */
async function ask(g: Grant, purpose: string, sql: string, subject: string): Promise<Ran> {
  try {
    const answer = await plinth.runQuery({ grantId: g.id, purpose, sql, maxRows: 1000 })
    return answer.decision && !answer.decision.permit ? { denial: answer.decision } : { answer }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) return { error }
    const newest = await plinth.listDecisions({ subject, grantId: g.id, result: 'deny', pageSize: 1 }).catch(() => null)
    const denial = newest?.decisions?.[0]
    return denial ? { denial, error } : { error }
  }
}

function Outcome({ ran }: { ran: Ran }) {
  const { t } = useWords()
  const decision = ran.denial ?? ran.answer?.decision
  return (
    <>
      {ran.answer && <Result of={ran.answer} />}
      {!ran.denial && <Failure error={ran.error} />}
      {decision && (
        <Sheet title={t('workbench.decision')}>
          <DecisionShown d={decision} />
        </Sheet>
      )}
    </>
  )
}
