import { Link } from 'react-router'
import { type Grant } from '../../api/plinth'
import { type Words } from '../../i18n'
import { Evidence, State } from '../../parts/states'
import { type Column } from '../../parts/table'
import { day } from '../../parts/time'

export function grantColumns({ t, text, word }: Words, purpose: (id: string) => string): Column<Grant>[] {
  return [
    { key: 'dataset', title: t('grant.dataset'), cell: (g) => <Link to={`/grants/${g.id}`}>{text(g.datasetTitle) || g.datasetId}</Link>, text: (g) => text(g.datasetTitle) },
    { key: 'department', title: t('grant.department'), cell: (g) => g.departmentName || g.department, text: (g) => g.departmentName },
    { key: 'purpose', title: t('grant.purpose'), cell: (g) => purpose(g.purpose), text: (g) => purpose(g.purpose) },
    { key: 'columns', title: t('grant.columns'), number: true, cell: (g) => g.columns?.length ?? 0, text: (g) => String(g.columns?.length ?? 0) },
    { key: 'until', title: t('grant.until'), cell: (g) => <span className="nowrap">{day(g.notAfter)}</span>, text: (g) => day(g.notAfter) },
    { key: 'state', title: t('dataset.state'), cell: (g) => <State family="grantState" value={g.state} />, text: (g) => word('grantState', g.state) },
    { key: 'evidence', title: t('evidence.word'), cell: (g) => <Evidence of={g.evidence} />, text: (g) => word('evidence', g.evidence?.state ?? '') },
    { key: 'id', title: t('grant.id'), cell: (g) => <Link className="mono" to={`/grants/${g.id}`}>{g.id}</Link>, text: (g) => g.id },
  ]
}
