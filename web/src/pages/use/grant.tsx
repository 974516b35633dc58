import Input from 'antd/es/input'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { type Grant, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act, ObjectFrame } from '../../parts/object'
import { Facts, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Evidence, Failure, Note, Shown, State } from '../../parts/states'
import { PagedTable } from '../../parts/table'
import { Timeline } from '../../parts/timeline'
import { day, minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { Columns, Filter } from './conditions'
import { decisionColumns } from './decision-columns'
import { usePurposeName } from './purposes'

export default function GrantPage() {
  const { id = '' } = useParams()
  const grant = useLoad(`grant ${id}`, (signal) => plinth.getGrant({ id }, { signal }))
  return <Shown of={grant}>{(g) => <GrantShown g={g} put={grant.put} />}</Shown>
}

function GrantShown({ g, put }: { g: Grant; put: (g: Grant) => void }) {
  const { t, text, word } = useWords()
  const { has } = useSession()
  const navigate = useNavigate()
  const purpose = usePurposeName()
  const may = g.actions ?? []
  // The grant's history is its request's: asked, answered, used until revoked.
  const request = useLoad(g.requestId ? `request ${g.requestId} ${g.state}` : '', (signal) => plinth.getRequest({ id: g.requestId }, { signal }))
  return (
    <ObjectFrame
      title={t('grant.title', { dataset: text(g.datasetTitle), department: g.departmentName || g.department })}
      marks={
        <>
          <span className="mono">{g.id}</span>
          <span>{t('grant.version', { n: g.version })}</span>
          <State family="grantState" value={g.state} />
          <Evidence of={g.evidence} />
          <Link to={`/datasets/${g.datasetId}`}>{t('registration.toDataset')}</Link>
        </>
      }
      acts={
        has('analyst') && (
          <Act primary blocked={may.includes('query') ? undefined : g.stateReason || word('grantState', g.state)} onClick={() => void navigate(`/workbench?grant=${g.id}`)}>
            {t('grant.query')}
          </Act>
        )
      }
      notes={g.stateReason && <Note tone={g.state === 'active' ? 'wait' : 'late'} title={g.stateReason} />}
      tabs={[
        {
          key: 'about',
          title: t('tab.about'),
          content: (
            <Facts
              of={[
                [t('grant.columns'), <Columns key="c" of={g.columns} masks={g.masks} />],
                [t('ask.rows'), <Filter key="f" all={g.allRows} conditions={g.filter} />],
                [t('grant.purpose'), purpose(g.purpose)],
                [t('request.period'), `${day(g.notBefore)} – ${day(g.notAfter)}`],
                [t('answer.perDay'), whole(g.rowsPerDay)],
                [t('grant.view'), g.view && <code key="v">{`${g.database}.${g.view}`}</code>],
                [t('request.created'), minute(g.createdAt)],
                [t('grant.request'), g.requestId && <Link key="r" to={`/requests/${g.requestId}`}>{g.requestId}</Link>],
              ]}
            />
          ),
        },
        ...(has('provider', 'department', 'analyst', 'auditor', 'security', 'steward') ? [{ key: 'uses', title: t('tab.uses'), content: <Uses g={g} /> }] : []),
      ]}
      aside={
        <>
          {may.includes('revoke') && <Revoke g={g} put={put} />}
          <Timeline items={request.data?.timeline} />
        </>
      }
    />
  )
}

function Uses({ g }: { g: Grant }) {
  const w = useWords()
  const list = usePaged(`uses ${g.id}`, async (pageToken, signal) => {
    const a = await plinth.listDecisions({ grantId: g.id, pageToken, pageSize: 20 }, { signal })
    return { rows: a.decisions ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return <PagedTable name="grant-uses" label={w.t('tab.uses')} of={list} columns={decisionColumns(w)} rowKey={(d) => d.id} empty={w.t('grant.unused')} />
}

function Revoke({ g, put }: { g: Grant; put: (g: Grant) => void }) {
  const { t } = useWords()
  const [reason, setReason] = useState('')
  const revoke = useWrite((key, why: string) => plinth.revokeGrant({ id: g.id, reason: why }, { key }), put)
  return (
    <Sheet title={t('grant.revoke')}>
      <label htmlFor="revoke-reason">{t('answer.reason')}</label>
      <Input.TextArea id="revoke-reason" rows={2} value={reason} onChange={(e) => setReason(e.target.value)} />
      <p className="quiet">{t('grant.revokeHelp')}</p>
      <Failure error={revoke.error} />
      <Act danger busy={revoke.busy} blocked={reason.trim() ? undefined : t('registration.noteMissing')} onClick={() => void revoke.run(reason.trim())}>
        {t('grant.revoke')}
      </Act>
    </Sheet>
  )
}
