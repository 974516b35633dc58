import { useParams } from 'react-router'
import { type Incident, type Member, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { District } from '../../parts/district'
import { useLoad } from '../../parts/load'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Shown, State } from '../../parts/states'
import { minute, second } from '../../parts/time'
import { sourcesOf } from './incident-table'

export default function IncidentPage() {
  const { id = '' } = useParams()
  const incident = useLoad(`incident ${id}`, (signal) => plinth.getIncident({ id }, { signal }))
  return <Shown of={incident}>{(i) => <IncidentShown i={i} />}</Shown>
}

function IncidentShown({ i }: { i: Incident }) {
  const { t, word } = useWords()
  const members = i.members ?? []
  return (
    <>
      <PageHead title={i.title || i.id} about={<State family="incidentState" value={i.state} />} />
      <div className="object">
        <Sheet title={t('incident.members', { n: members.length })}>
          <p className="quiet" style={{ marginTop: 0 }}>
            {t('incident.why')}
          </p>
          {members.map((m, n) => (
            <MemberShown key={m.event?.id ?? n} m={m} first={n === 0} />
          ))}
        </Sheet>
        <aside>
          <Sheet>
            <Facts
              of={[
                [t('event.class'), i.class],
                [t('incident.sources'), sourcesOf(i, word)],
                [t('device.grid'), i.grid],
                [t('incident.first'), second(i.firstAt)],
                [t('incident.last'), second(i.lastAt)],
                [t('incident.id'), <code key="i">{i.id}</code>],
              ]}
            />
          </Sheet>
          <Sheet title={t('incident.where')}>
            <District
              label={t('incident.where')}
              fill={(a) => (a.id === i.grid ? '#9fc3e8' : '#f3f5f7')}
              about={(a) => (a.id === i.grid ? i.title : '')}
              picked={i.grid}
              onPick={() => {}}
              dots={members.flatMap(({ event: e }) =>
                e?.longitude ? [{ id: e.id, longitude: e.longitude, latitude: e.latitude, colour: '#a40e26', label: e.title, radius: 4 }] : [],
              )}
              legend={[{ colour: '#a40e26', word: t('incident.member') }]}
            />
          </Sheet>
        </aside>
      </div>
    </>
  )
}

/** MemberShown is one event and why it belongs: each weight in log2 odds, drawn to scale. */
function MemberShown({ m, first }: { m: Member; first: boolean }) {
  const { t, word } = useWords()
  const e = m.event
  if (!e) return null
  return (
    <article style={{ borderTop: first ? 'none' : '1px solid var(--line)', padding: '10px 0' }}>
      <div className="inline" style={{ alignItems: 'baseline' }}>
        <span className="tone plain">{word('source', e.source)}</span>
        <b>{e.title}</b>
        <span className="quiet">{minute(e.at)}</span>
        <code className="quiet">{e.id}</code>
      </div>
      {e.text && <p style={{ margin: '4px 0' }}>{e.text}</p>}
      {e.address && <p className="quiet" style={{ margin: '4px 0' }}>{e.address}</p>}
      {(m.weights ?? []).length > 0 ? (
        <div className="scroll" tabIndex={0} role="region" aria-label={t('incident.weights')}>
          <table className="grid dense">
            <thead>
              <tr>
                <th scope="col">{t('incident.feature')}</th>
                <th scope="col">{t('incident.observed')}</th>
                <th scope="col" className="number">{t('incident.weight')}</th>
                <th scope="col" style={{ width: '40%' }} aria-hidden="true" />
              </tr>
            </thead>
            <tbody>
              {m.weights.map((w) => (
                <tr key={w.feature}>
                  <td>{word('feature', w.feature)}</td>
                  <td>{w.observed}</td>
                  <td className="number">{w.weight.toFixed(1)}</td>
                  <td aria-hidden="true">
                    <Bar weight={w.weight} />
                  </td>
                </tr>
              ))}
              <tr>
                <td colSpan={2}>
                  <b>{t('incident.sum')}</b>
                </td>
                <td className="number">
                  <b>{m.score.toFixed(1)}</b>
                </td>
                <td />
              </tr>
            </tbody>
          </table>
        </div>
      ) : (
        <p className="quiet" style={{ margin: 0 }}>
          {t('incident.began')}
        </p>
      )}
    </article>
  )
}

function Bar({ weight }: { weight: number }) {
  const width = Math.min(48, Math.abs(weight) * 4)
  return (
    <svg width="100%" height="12" viewBox="0 0 100 12" preserveAspectRatio="none">
      <rect x={weight < 0 ? 50 - width : 50} y="2" width={width} height="8" fill={weight < 0 ? '#a40e26' : '#2f7d4f'} />
      <rect x="49.7" y="0" width="0.6" height="12" fill="#57606a" />
    </svg>
  )
}
