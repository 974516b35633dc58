import { Link, useNavigate, useParams } from 'react-router'
import { plinth, type Request } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'
import { Act, ObjectFrame } from '../../parts/object'
import { Facts } from '../../parts/page'
import { Evidence, Note, Shown, State } from '../../parts/states'
import { Timeline } from '../../parts/timeline'
import { day, minute } from '../../parts/time'
import { useSession } from '../../session'
import { Due } from '../catalog/registrations'
import { Answer } from './answer'
import { Columns, Filter } from './conditions'
import { usePurposeName } from './purposes'

export default function RequestPage() {
  const { id = '' } = useParams()
  const request = useLoad(`request ${id}`, (signal) => plinth.getRequest({ id }, { signal }))
  return <Shown of={request}>{(r) => <RequestShown r={r} put={request.put} />}</Shown>
}

function RequestShown({ r, put }: { r: Request; put: (r: Request) => void }) {
  const { t, text, word } = useWords()
  const navigate = useNavigate()
  const { has } = useSession()
  const purpose = usePurposeName()
  const mayAnswer = (r.actions ?? []).includes('answer')
  return (
    <ObjectFrame
      title={t('request.title', { dataset: text(r.datasetTitle), department: r.departmentName || r.department })}
      marks={
        <>
          <State family="requestState" value={r.state} />
          <Evidence of={r.evidence} />
          <Link to={`/datasets/${r.datasetId}`}>{t('registration.toDataset')}</Link>
        </>
      }
      acts={
        r.grantId && (
          <>
            <Act onClick={() => void navigate(`/grants/${r.grantId}`)}>{t('request.toGrant')}</Act>
            {has('analyst') && (
              <Act primary onClick={() => void navigate(`/workbench?grant=${r.grantId}`)}>
                {t('grant.query')}
              </Act>
            )}
          </>
        )
      }
      notes={
        mayAnswer ? (
          <Answer r={r} put={put} />
        ) : r.state === 'with_provider' ? (
          <Note tone="wait" title={t('request.waits', { role: word('role', 'provider') })}>
            {t('registration.due')} <Due at={r.dueAt} />
          </Note>
        ) : (
          <Note tone={r.state === 'approved' ? 'ok' : 'late'} title={word('requestState', r.state)}>
            {r.answer && <p>{r.answer}</p>}
          </Note>
        )
      }
      tabs={[
        {
          key: 'about',
          title: t('tab.about'),
          content: (
            <Facts
              of={[
                [t('grant.columns'), <Columns key="c" of={r.columns} />],
                [t('ask.rows'), <Filter key="f" all={r.allRows} conditions={r.filter} />],
                [t('grant.purpose'), purpose(r.purpose)],
                [t('ask.reason'), r.reason],
                [t('request.period'), `${day(r.notBefore)} – ${day(r.notAfter)}`],
                [t('request.created'), `${minute(r.createdAt)} · ${r.createdBy}`],
                [t('request.answered'), r.answeredAt ? `${minute(r.answeredAt)} · ${r.answeredBy}` : ''],
              ]}
            />
          ),
        },
      ]}
      aside={<Timeline items={r.timeline} />}
    />
  )
}
