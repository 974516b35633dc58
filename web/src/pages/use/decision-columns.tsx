import { Link } from 'react-router'
import { type Decision } from '../../api/plinth'
import { type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { Evidence, State } from '../../parts/states'
import { type Column } from '../../parts/table'
import { second } from '../../parts/time'

const result = (d: Decision) => (d.permit ? 'permit' : 'deny')

export function decisionColumns({ t, word }: Words): Column<Decision>[] {
  return [
    { key: 'at', title: t('record.at'), cell: (d) => <Link className="nowrap" to={`/decisions/${d.id}`}>{second(d.at)}</Link>, text: (d) => second(d.at) },
    { key: 'result', title: t('decision.result'), cell: (d) => <State family="result" value={result(d)} />, text: (d) => word('result', result(d)) },
    { key: 'subject', title: t('decision.subject'), cell: (d) => d.subjectName || d.subject, text: (d) => d.subjectName },
    { key: 'action', title: t('decision.action'), cell: (d) => word('use', d.action), text: (d) => word('use', d.action) },
    { key: 'failed', title: t('decision.failed'), cell: (d) => failed(d).map((r) => word('rule', r)).join(', ') || '–', text: (d) => failed(d).join(' ') },
    { key: 'rows', title: t('dataset.rows'), number: true, cell: (d) => (d.permit ? whole(d.rows) : '–'), text: (d) => d.rows },
    { key: 'outcome', title: t('decision.outcome'), cell: (d) => <State family="outcome" value={d.outcome} />, text: (d) => word('outcome', d.outcome) },
    { key: 'evidence', title: t('evidence.word'), cell: (d) => <Evidence of={d.evidence} />, text: (d) => word('evidence', d.evidence?.state ?? '') },
    { key: 'grant', title: t('grant.id'), optional: true, cell: (d) => d.grantId && <Link className="mono" to={`/grants/${d.grantId}`}>{d.grantId}</Link>, text: (d) => d.grantId },
  ]
}

/** failed is the rules whose premise did not hold. */
export function failed(d: Decision): string[] {
  return (d.reasons ?? []).filter((r) => !r.ok).map((r) => r.rule)
}
