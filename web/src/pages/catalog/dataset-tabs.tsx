import { type Dataset, type Field, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { Facts } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable, Table } from '../../parts/table'
import { day, minute, second } from '../../parts/time'
import { recordColumns } from '../evidence/record-columns'
import { grantColumns } from '../use/grant-columns'
import { usePurposeName } from '../use/purposes'

export function DatasetFacts({ d }: { d: Dataset }) {
  const { t, text, word } = useWords()
  return (
    <Facts
      of={[
        [t('dataset.description'), text(d.description)],
        [t('dataset.code'), d.code && <code>{d.code}</code>],
        [t('dataset.publisher'), d.publisherName || d.publisher],
        [t('dataset.theme'), word('theme', d.theme)],
        [t('dataset.keywords'), d.keywords?.join(' · ')],
        [t('dataset.openness'), word('openness', d.openness)],
        [t('dataset.opennessReason'), d.opennessReason],
        [t('dataset.frequency'), word('frequency', d.frequency)],
        [t('dataset.table'), d.table ? <code>{d.table}</code> : t('dataset.noTable')],
        [t('dataset.revision'), d.revision ? String(d.revision) : t('dataset.noRevision')],
        [t('dataset.registered'), minute(d.registeredAt)],
        [t('dataset.validUntil'), day(d.validUntil)],
        [t('dataset.updated'), minute(d.updatedAt)],
      ]}
    />
  )
}

function fieldColumns({ t, text, word }: Words): Column<Field>[] {
  return [
    { key: 'name', title: t('field.name'), cell: (f) => <code>{f.name}</code>, text: (f) => f.name },
    { key: 'title', title: t('field.title'), cell: (f) => text(f.title), text: (f) => text(f.title) },
    { key: 'type', title: t('field.type'), cell: (f) => word('type', f.type), text: (f) => word('type', f.type) },
    { key: 'grade', title: t('dataset.grade'), cell: (f) => <State family="grade" value={f.grade} />, text: (f) => word('grade', f.grade) },
    { key: 'sensitivity', title: t('field.sensitivity'), cell: (f) => word('sensitivity', f.sensitivity), text: (f) => word('sensitivity', f.sensitivity) },
    { key: 'standard', title: t('field.standard'), cell: (f) => f.standard, text: (f) => f.standard },
    { key: 'description', title: t('field.description'), cell: (f) => f.description, text: (f) => f.description },
  ]
}

export function DatasetFields({ d }: { d: Dataset }) {
  const w = useWords()
  return (
    <Table name="fields" label={w.t('tab.fields')} columns={fieldColumns(w)} rows={d.fields ?? []} rowKey={(f) => f.name} empty={w.t('fields.empty')} sortable />
  )
}

export function DatasetQuality({ d }: { d: Dataset }) {
  const { t, word } = useWords()
  return (
    <Facts
      of={[
        [t('dataset.timeliness'), <State key="s" family="timeliness" value={d.timeliness} />],
        [t('dataset.frequency'), word('frequency', d.frequency)],
        [t('dataset.dataUntil'), second(d.dataUntil) || t('quality.unknown')],
        [t('dataset.rows'), d.table ? whole(d.rows) : t('dataset.noTable')],
        [t('quality.standards'), t('quality.withStandard', { n: (d.fields ?? []).filter((f) => f.standard).length, of: (d.fields ?? []).length })],
        [t('quality.described'), t('quality.withStandard', { n: (d.fields ?? []).filter((f) => f.description).length, of: (d.fields ?? []).length })],
      ]}
    />
  )
}

export function DatasetGrants({ d }: { d: Dataset }) {
  const w = useWords()
  const list = usePaged(`grants ${d.id}`, async (pageToken, signal) => {
    const a = await plinth.listGrants({ datasetId: d.id, pageToken, pageSize: 20 }, { signal })
    return { rows: a.grants ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const columns = grantColumns(w, usePurposeName()).filter((c) => c.key !== 'dataset')
  return <PagedTable name="dataset-grants" label={w.t('tab.grants')} of={list} columns={columns} rowKey={(g) => g.id} empty={w.t('dataset.noGrants')} />
}

export function DatasetEvidence({ d }: { d: Dataset }) {
  const w = useWords()
  const list = usePaged(`records ${d.id}`, async (pageToken, signal) => {
    const a = await plinth.listRecords({ subject: `dataset:${d.id}`, pageToken, pageSize: 20 }, { signal })
    return { rows: a.records ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  const columns = recordColumns(w).filter((c) => c.key !== 'subject')
  return <PagedTable name="dataset-records" label={w.t('tab.evidence')} of={list} columns={columns} rowKey={(r) => r.recordId} empty={w.t('records.empty')} />
}
