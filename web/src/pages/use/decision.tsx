import { Link, useParams } from 'react-router'
import { type Decision, plinth } from '../../api/plinth'
import { type Language, useWords } from '../../i18n'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Evidence, Note, Shown, State } from '../../parts/states'
import { second } from '../../parts/time'
import { usePurposeName } from './purposes'

export default function DecisionPage() {
  const { id = '' } = useParams()
  const { t } = useWords()
  const decision = useLoad(`decision ${id}`, (signal) => plinth.getDecision({ id }, { signal }))
  return (
    <Shown of={decision}>
      {(d) => (
        <>
          <PageHead title={t('decision.title', { id: d.id })} about={second(d.at)} />
          <Sheet>
            <DecisionShown d={d} />
          </Sheet>
        </>
      )}
    </Shown>
  )
}

/** DecisionShown explains a decision: which premises held, which did not, what would pass, and the button to ask for it. */
export function DecisionShown({ d }: { d: Decision }) {
  const { t, language } = useWords()
  return (
    <>
      {d.permit ? (
        <Note tone="ok" title={t('decision.permitted')} />
      ) : (
        <Note tone="late" title={t('decision.denied')}>
          {(d.wouldPassIf ?? []).length > 0 && (
            <>
              <p>{t('decision.wouldPass')}</p>
              <ul style={{ margin: '2px 0 8px', paddingLeft: 18 }}>
                {d.wouldPassIf.map((line) => (
                  <li key={line}>{inLanguage(line, language)}</li>
                ))}
              </ul>
            </>
          )}
          {d.datasetId && <Link to={`/datasets/${d.datasetId}/ask`}>{t('decision.askFor')}</Link>}
        </Note>
      )}
      <Reasons d={d} />
      <DecisionFacts d={d} />
    </>
  )
}

/** inLanguage picks one of a sentence that is given as "中文 / English". */
export function inLanguage(line: string, language: Language): string {
  const [zh, en, more] = line.split(' / ')
  return zh && en && more === undefined ? (language === 'zh' ? zh : en) : line
}

function Reasons({ d }: { d: Decision }) {
  const { t, text, word } = useWords()
  return (
    <>
      <h3 style={{ marginTop: 12 }}>{t('decision.reasons')}</h3>
      <ul className="reasons">
        {(d.reasons ?? []).map((r) => (
          <li key={r.rule}>
            <span>
              <span className={`tone ${r.ok ? 'ok' : 'late'}`}>{t(r.ok ? 'decision.held' : 'decision.failedWord')}</span>
            </span>
            <span>
              <b>{word('rule', r.rule)}</b> <code className="quiet">{r.rule}</code>
              <div>{text(r.detail)}</div>
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

function DecisionFacts({ d }: { d: Decision }) {
  const { t, word } = useWords()
  const purpose = usePurposeName()
  return (
    <div style={{ marginTop: 12 }}>
      <Facts
        of={[
          [t('decision.subject'), d.subjectName || d.subject],
          [t('decision.action'), word('use', d.action)],
          [t('grant.purpose'), purpose(d.purpose)],
          [t('grant.id'), d.grantId && <Link key="g" className="mono" to={`/grants/${d.grantId}`}>{d.grantId}</Link>],
          [t('decision.obligations'), d.obligations?.join('; ')],
          [t('decision.policy'), t('decision.policyRev', { policy: d.policyRev, data: d.dataRev })],
          ...(d.sqlSha256 ? ([[t('decision.sql'), <code key="s">{d.sqlSha256}</code>]] as [string, React.ReactNode][]) : []),
          ...(d.permit ? ([[t('dataset.rows'), whole(d.rows)]] as [string, React.ReactNode][]) : []),
          [t('decision.outcome'), d.outcome && <State key="o" family="outcome" value={d.outcome} />],
          [t('evidence.word'), <Evidence key="e" of={d.evidence} />],
          [t('decision.id'), <Link key="i" className="mono" to={`/decisions/${d.id}`}>{d.id}</Link>],
        ]}
      />
    </div>
  )
}
