import { type ReactNode } from 'react'
import { Link } from 'react-router'
import { type Overview as Numbers, plinth } from '../api/plinth'
import { type Key, useWords } from '../i18n'
import { share, whole } from '../parts/figures'
import { type Loaded, useLoad } from '../parts/load'
import { PageHead, Sheet } from '../parts/page'
import { Failure, Loading, State } from '../parts/states'
import { minute, second } from '../parts/time'
import { useSession } from '../session'
import { Due } from './catalog/registrations'

interface Work {
  id: string
  to: string
  title: string
  about: ReactNode
  side: ReactNode
}

export default function Overview() {
  const { t } = useWords()
  const { account, has } = useSession()
  const numbers = useLoad('overview', (signal) => plinth.getOverview({}, { signal }))
  return (
    <>
      <PageHead title={t('overview.hello', { name: account?.name || account?.login || '' })} about={numbers.data && t('overview.at', { at: second(numbers.data.at) })} />
      {has('steward', 'registrar') && <RegistrationWork />}
      {has('provider', 'department') && <RequestWork />}
      {has('analyst') && <GrantWork />}
      {has('security') && <AlertWork />}
      {has('auditor') && <AuditWork />}
      {has('operator') && <EngineWork />}
      <h2 style={{ margin: '20px 0 10px' }}>{t('overview.numbers')}</h2>
      {numbers.data ? <NumberLinks of={numbers.data} /> : <Failure error={numbers.error} retry={numbers.reload} />}
    </>
  )
}

/** WorkList is one role's work: what waits, oldest first, and a link to all of it. */
function WorkList({ title, all, of, empty }: { title: Key; all: string; of: Pick<Loaded<Work[]>, 'data' | 'error' | 'reload'>; empty: Key }) {
  const { t } = useWords()
  return (
    <Sheet title={t(title)} extra={<Link to={all}>{t('overview.all')}</Link>}>
      <Failure error={of.error} retry={of.reload} />
      {!of.data && !of.error && <Loading />}
      {of.data?.length === 0 && <p className="quiet">{t(empty)}</p>}
      <ul className="work">
        {of.data?.map((w) => (
          <li key={w.id}>
            <Link to={w.to}>{w.title}</Link>
            <span>{w.side}</span>
            <span className="quiet">{w.about}</span>
          </li>
        ))}
      </ul>
    </Sheet>
  )
}

function RegistrationWork() {
  const { t, text, word } = useWords()
  const work = useLoad('registration work', async (signal) => {
    const a = await plinth.listRegistrations({ mine: true, pageSize: 8 }, { signal })
    return (a.registrations ?? []).map((r) => ({
      id: r.id,
      to: `/registrations/${r.id}`,
      title: text(r.datasetTitle),
      about: `${word('kind', r.kind)} · ${word('state', r.state)}`,
      side: r.dueAt && (
        <>
          {t('registration.due')} <Due at={r.dueAt} />
        </>
      ),
    }))
  })
  return <WorkList title="overview.registrations" all="/registrations?mine=1" of={work} empty="overview.nothing" />
}

function RequestWork() {
  const { t, text } = useWords()
  const { has } = useSession()
  const mine = has('provider')
  const work = useLoad('request work', async (signal) => {
    const a = await plinth.listRequests({ mine, state: mine ? 'with_provider' : '', pageSize: 8 }, { signal })
    return (a.requests ?? []).map((r) => ({
      id: r.id,
      to: `/requests/${r.id}`,
      title: t('overview.request', { dataset: text(r.datasetTitle), department: r.departmentName || r.department }),
      about: r.reason,
      side: r.state === 'with_provider' ? <Due at={r.dueAt} /> : <State family="requestState" value={r.state} />,
    }))
  })
  return <WorkList title={mine ? 'overview.toAnswer' : 'overview.asked'} all={mine ? '/requests?mine=1' : '/requests'} of={work} empty={mine ? 'overview.nothing' : 'overview.askFirst'} />
}

function GrantWork() {
  const { t, text } = useWords()
  const work = useLoad('grant work', async (signal) => {
    const a = await plinth.listGrants({ state: 'active', pageSize: 8 }, { signal })
    return (a.grants ?? []).map((g) => ({
      id: g.id,
      to: `/workbench?grant=${g.id}`,
      title: text(g.datasetTitle),
      about: t('overview.columns', { n: g.columns?.length ?? 0, columns: (g.columns ?? []).slice(0, 6).join(', ') }),
      side: t('overview.until', { day: minute(g.notAfter) }),
    }))
  })
  return <WorkList title="overview.grants" all="/workbench" of={work} empty="overview.noGrants" />
}

function AlertWork() {
  const { text } = useWords()
  const work = useLoad('alert work', async (signal) => {
    const a = await plinth.listAlerts({ state: 'new', pageSize: 8 }, { signal })
    return (a.alerts ?? []).map((al) => ({
      id: al.id,
      to: `/alerts/${al.id}`,
      title: text(al.title),
      about: `${al.consumerName || al.consumer} · ${al.departmentName}`,
      side: minute(al.at),
    }))
  })
  return <WorkList title="overview.alerts" all="/alerts" of={work} empty="overview.nothing" />
}

function AuditWork() {
  const { t, word } = useWords()
  const work = useLoad('audit work', async (signal) => {
    const a = await plinth.listRecords({ pageSize: 8 }, { signal })
    return (a.records ?? []).map((r) => ({
      id: r.recordId,
      to: `/evidence/${r.recordId}`,
      title: word('action', r.kind),
      about: `${r.org} · ${second(r.at)}`,
      side: <State family="evidence" value={r.state} />,
    }))
  })
  return (
    <>
      <Sheet title={t('nav.verify')}>
        <p style={{ marginTop: 0 }}>{t('overview.verify')}</p>
        <Link to="/verify">{t('overview.toVerify')}</Link>
      </Sheet>
      <WorkList title="overview.records" all="/evidence" of={work} empty="records.empty" />
    </>
  )
}

function EngineWork() {
  const { word } = useWords()
  const work = useLoad('engine work', async (signal) => {
    const a = await plinth.listEngines({}, { signal })
    return (a.engines ?? []).map((e) => ({
      id: e.name,
      to: '/engines',
      title: word('engine', e.name),
      about: word('engineDetail', e.detail),
      side: <State family="ready" value={e.ready ? 'ready' : 'down'} />,
    }))
  })
  return <WorkList title="overview.engines" all="/engines" of={work} empty="overview.nothing" />
}

/** known leaves empty what the service could not count now; its zero would mean nothing. */
function known(of: Numbers): Numbers {
  const missing = (of.missing ?? []).map((name) => [name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()), ''])
  return { ...of, ...Object.fromEntries(missing) }
}

/** NumberLinks: every number leads to the rows behind it. */
function NumberLinks({ of }: { of: Numbers }) {
  const { t } = useWords()
  const n = known(of)
  const { has } = useSession()
  const rows: [key: Key, value: string, to: string, note?: string][] = [
    ['number.timely', share(n.timely, n.timelyDue) || '–', '/datasets?state=registered', `${whole(n.timely)} / ${whole(n.timelyDue)}`],
    ['number.opened', share(n.opened, n.openable) || '–', '/open-lists', `${whole(n.opened)} / ${whole(n.openable)}`],
    ['number.datasets', whole(n.datasets), '/datasets'],
    ['number.registered', whole(n.datasetsRegistered), '/datasets?state=registered'],
    ['number.late', whole(n.datasetsLate), '/datasets?state=registered'],
    ['number.open', whole(n.datasetsOpen), '/datasets?openness=unconditional'],
    ['number.grants', whole(n.grantsActive), '/grants?state=active'],
    ['number.devices', `${whole(n.devicesOnline)} / ${whole(n.devices)}`, '/devices'],
    ['number.readings', whole(n.readingsLastHour), '/devices'],
    ['number.events', whole(n.eventsLastDay), '/incidents?view=events'],
    ['number.incidents', whole(n.incidentsOpen), '/incidents'],
    ['number.chain', whole(n.chainHeight), '/chain'],
    ['number.pending', whole(n.evidencePending), '/evidence?state=pending'],
  ]
  if (has('steward', 'registrar', 'auditor')) rows.push(['number.registrations', whole(n.registrationsWaiting), '/registrations'])
  if (has('department', 'provider', 'analyst', 'auditor', 'steward')) rows.push(['number.requests', whole(n.requestsWaiting), '/requests?state=with_provider'])
  if (has('security')) rows.push(['number.alerts', whole(n.alertsOpen), '/alerts'])
  if (has('operator', 'steward')) rows.push(['number.dead', whole(n.deadLettersLastDay), '/dead-letters'])
  return (
    <ul className="numbers">
      {rows.map(([key, value, to, note]) => (
        <li key={key}>
          <Link to={to}>
            <span>{t(key)}</span>
            <b>{value || '–'}</b>
            {note && <span>{note}</span>}
          </Link>
        </li>
      ))}
    </ul>
  )
}
