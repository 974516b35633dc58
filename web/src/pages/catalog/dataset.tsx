import { useNavigate, useParams } from 'react-router'
import { type Dataset, type Registration, plinth } from '../../api/plinth'
import { recordRoles } from '../../frame/menu'
import { useWords } from '../../i18n'
import { type Loaded, useLoad } from '../../parts/load'
import { Act, ObjectFrame } from '../../parts/object'
import { Evidence, Note, Shown, State } from '../../parts/states'
import { Timeline } from '../../parts/timeline'
import { useSession } from '../../session'
import { DatasetEvidence, DatasetFacts, DatasetFields, DatasetGrants, DatasetQuality } from './dataset-tabs'

export default function DatasetPage() {
  const { id = '' } = useParams()
  const dataset = useLoad(`dataset ${id}`, (signal) => plinth.getDataset({ id }, { signal }))
  return <Shown of={dataset}>{(d) => <DatasetShown d={d} />}</Shown>
}

function DatasetShown({ d }: { d: Dataset }) {
  const { t, text } = useWords()
  const { has } = useSession()
  const mayReview = has('steward', 'registrar', 'provider', 'auditor')
  const timeline = useLoad(`timeline ${d.id} ${d.updatedAt}`, (signal) => plinth.getTimeline({ id: d.id }, { signal }))
  const registration = useLoad(mayReview && d.registrationId ? `registration ${d.registrationId}` : '', (signal) =>
    plinth.getRegistration({ id: d.registrationId }, { signal }),
  )
  return (
    <ObjectFrame
      title={text(d.title) || d.id}
      marks={
        <>
          <span className="mono">{d.code || t('dataset.noCode')}</span>
          <State family="state" value={d.state} />
          <State family="grade" value={d.grade} />
          <State family="openness" value={d.openness} />
          <span>{d.publisherName || d.publisher}</span>
          <Evidence of={d.evidence} />
        </>
      }
      acts={<DatasetActs d={d} registration={registration} />}
      notes={<RegistrationNote registration={registration.data} />}
      tabs={[
        { key: 'about', title: t('tab.about'), content: <DatasetFacts d={d} /> },
        { key: 'fields', title: t('tab.fields'), content: <DatasetFields d={d} /> },
        { key: 'quality', title: t('tab.quality'), content: <DatasetQuality d={d} /> },
        { key: 'grants', title: t('tab.grants'), content: <DatasetGrants d={d} /> },
        ...(has(...recordRoles) ? [{ key: 'evidence', title: t('tab.evidence'), content: <DatasetEvidence d={d} /> }] : []),
      ]}
      aside={<Shown of={timeline}>{(l) => <Timeline items={l.items} />}</Shown>}
    />
  )
}

function RegistrationNote({ registration: r }: { registration: Registration | undefined }) {
  const { t, word } = useWords()
  if (!r || r.state === 'registered') return null
  const reason = r.timeline?.findLast((i) => i.note)?.note
  return (
    <Note tone="wait" title={t('dataset.underWay', { kind: word('kind', r.kind), state: word('state', r.state), role: word('role', r.waitsOn) })}>
      {reason && <p>{reason}</p>}
    </Note>
  )
}

/** DatasetActs is what this reader may do with the dataset now, the most likely as the primary. */
function DatasetActs({ d, registration }: { d: Dataset; registration: Loaded<Registration> }) {
  const { t, word } = useWords()
  const { has } = useSession()
  const navigate = useNavigate()
  const r = registration.data
  const mine = (r?.actions ?? []).length > 0
  const registered = d.revision > 0 && d.state !== 'expired'
  return (
    <>
      {has('department') && (
        <Act primary blocked={registered ? undefined : t('dataset.askBlocked')} onClick={() => void navigate(`/datasets/${d.id}/ask`)}>
          {t('dataset.ask')}
        </Act>
      )}
      {has('steward') && (
        <Act
          primary={!mine && !d.registrationId}
          blocked={r && r.waitsOn !== 'steward' && r.state !== 'registered' ? t('dataset.waits', { role: word('role', r.waitsOn) }) : undefined}
          onClick={() => void navigate(`/datasets/${d.id}/edit`)}
        >
          {t(registered ? 'dataset.change' : 'dataset.edit')}
        </Act>
      )}
      {r && has('steward', 'registrar') && (
        <Act primary={mine} onClick={() => void navigate(`/registrations/${r.id}`)}>
          {t(mine ? 'dataset.goOn' : 'dataset.registration')}
        </Act>
      )}
    </>
  )
}
