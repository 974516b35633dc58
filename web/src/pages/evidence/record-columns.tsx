import { Link } from 'react-router'
import { type EvidenceRecord } from '../../api/plinth'
import { type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { State } from '../../parts/states'
import { type Column } from '../../parts/table'
import { second } from '../../parts/time'
import { casePath } from './subject'

export function recordColumns({ t, word }: Words): Column<EvidenceRecord>[] {
  return [
    { key: 'kind', title: t('record.kind'), cell: (r) => <Link to={`/evidence/${r.recordId}`}>{word('action', r.kind)}</Link>, text: (r) => word('action', r.kind) },
    { key: 'code', title: t('record.code'), cell: (r) => <span className="mono nowrap">{r.shortCode}</span>, text: (r) => r.shortCode },
    { key: 'at', title: t('record.at'), cell: (r) => <span className="nowrap">{second(r.at)}</span>, text: (r) => second(r.at) },
    { key: 'state', title: t('dataset.state'), cell: (r) => <><State family="evidence" value={r.state} /> {r.erasedBy && <span className="tone plain">{t('record.erased')}</span>}</>, text: (r) => [word('evidence', r.state), r.erasedBy && t('record.erased')].filter(Boolean).join(' ') },
    { key: 'subject', title: t('record.subject'), cell: (r) => <span className="mono">{r.subject}</span>, text: (r) => r.subject },
    { key: 'org', title: t('record.org'), cell: (r) => r.org, text: (r) => r.org },
    { key: 'origin', title: t('record.origin'), cell: (r) => r.origin, text: (r) => r.origin },
    { key: 'index', title: t('record.index'), number: true, cell: (r) => (r.state === 'pending' ? '–' : whole(r.index)), text: (r) => r.index },
    { key: 'block', title: t('record.block'), number: true, optional: true, cell: (r) => (r.state === 'anchored' ? whole(r.block) : '–'), text: (r) => r.block },
    { key: 'caseId', title: t('record.case'), optional: true, cell: (r) => r.caseId && <Link className="mono" to={casePath(r.caseId)}>{r.caseId}</Link>, text: (r) => r.caseId },
    { key: 'leaf', title: t('record.leaf'), optional: true, cell: (r) => <span className="mono break">{r.leafHash}</span>, text: (r) => r.leafHash },
    { key: 'tx', title: t('record.tx'), optional: true, cell: (r) => <span className="mono break">{r.txId}</span>, text: (r) => r.txId },
    { key: 'recordId', title: t('record.id'), optional: true, cell: (r) => <span className="mono">{r.recordId}</span>, text: (r) => r.recordId },
  ]
}
