import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { Facts, Sheet } from '../../parts/page'
import { Note } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { type DrillReport, type DrillRound } from './audit-report'

/** DrillResult says whether the audit passed, and shows what was damaged and what the audit named. */
export function DrillResult({ of, verdict }: { of: DrillReport; verdict: string }) {
  const w = useWords()
  const { t, word } = w
  const n = of.rounds.length
  return (
    <>
      <Note tone={verdict === 'passed' ? 'ok' : 'late'} title={<span className="verdict">{word('auditVerdict', verdict)}</span>} />
      <Sheet title={t('drill.result')}>
        <Facts
          of={[
            [t('drill.found'), `${whole(of.found)} / ${whole(n)}`],
            [t('drill.right'), `${whole(of.right)} / ${whole(n)}`],
            [t('drill.clean'), `${whole(of.falseAlarms)} / ${whole(of.clean)}`],
          ]}
        />
        <Table name="drill" label={t('drill.result')} columns={columns(w)} rows={of.rounds} rowKey={(_, i) => String(i)} empty="" sortable />
      </Sheet>
      <div style={{ height: 16 }} />
    </>
  )
}

function columns({ t }: Words): Column<DrillRound>[] {
  const yes = (v: boolean) => t(v ? 'drill.yes' : 'drill.no')
  const mark = (v: boolean) => <span className={`tone ${v ? 'ok' : 'late'}`}>{yes(v)}</span>
  return [
    { key: 'kind', title: t('drill.kindOf'), cell: (r) => <span className="mono nowrap">{r.kind}</span>, text: (r) => r.kind },
    { key: 'where', title: t('drill.where'), wide: true, cell: (r) => <span className="mono break">{r.where}</span>, text: (r) => r.where },
    { key: 'found', title: t('drill.found'), cell: (r) => mark(r.found), text: (r) => yes(r.found) },
    { key: 'right', title: t('drill.right'), cell: (r) => mark(r.right), text: (r) => yes(r.right) },
    { key: 'object', title: t('drill.named'), wide: true, cell: (r) => <span className="break">{r.object}</span>, text: (r) => r.object },
    { key: 'reason', title: t('job.reason'), wide: true, optional: true, cell: (r) => r.reason, text: (r) => r.reason },
  ]
}
