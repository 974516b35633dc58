import { Link } from 'react-router'
import { type OpenList, type OpenListEntry } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { State } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { useSession } from '../../session'

/** OpenListDifference names what the list adds, drops and changes against the one before. */
export function OpenListDifference({ list }: { list: OpenList }) {
  const { t } = useWords()
  const kinds = [
    ['ok', 'openList.added', list.added],
    ['late', 'openList.removed', list.removed],
    ['warn', 'openList.changed', list.changed],
  ] as const
  if (kinds.every(([, , codes]) => !codes?.length)) return <p className="quiet">{t('openList.same')}</p>
  return (
    <dl className="facts" style={{ marginBottom: 12 }}>
      {kinds.map(([tone, key, codes]) =>
        codes?.length ? (
          <div key={key} style={{ display: 'contents' }}>
            <dt>
              <span className={`tone ${tone}`}>{t(key, { n: codes.length })}</span>
            </dt>
            <dd className="mono">{codes.join(' ')}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}

function columnsOf({ t, text, word }: Words, signedIn: boolean): Column<OpenListEntry>[] {
  return [
    { key: 'code', title: t('dataset.code'), cell: (e) => <span className="mono nowrap">{e.code}</span>, text: (e) => e.code },
    { key: 'title', title: t('dataset.title'), cell: (e) => (signedIn ? <Link to={`/datasets/${e.datasetId}`}>{text(e.title)}</Link> : text(e.title)), text: (e) => text(e.title) },
    { key: 'publisher', title: t('dataset.publisher'), cell: (e) => e.publisherName, text: (e) => e.publisherName },
    { key: 'openness', title: t('dataset.openness'), cell: (e) => <State family="openness" value={e.openness} />, text: (e) => word('openness', e.openness) },
    { key: 'frequency', title: t('dataset.frequency'), cell: (e) => word('frequency', e.frequency), text: (e) => word('frequency', e.frequency) },
    { key: 'fields', title: t('tab.fields'), cell: (e) => e.fields?.join(', '), text: (e) => e.fields?.join(', ') ?? '' },
    { key: 'revision', title: t('dataset.revision'), number: true, cell: (e) => e.revision, text: (e) => String(e.revision) },
  ]
}

export function OpenListEntries({ list }: { list: OpenList }) {
  const w = useWords()
  const { account } = useSession()
  return (
    <Table
      name="open-list-entries"
      label={w.t('openList.entries')}
      columns={columnsOf(w, Boolean(account))}
      rows={list.items ?? []}
      rowKey={(e) => e.code || e.datasetId}
      empty={w.t('openList.empty')}
      sortable
    />
  )
}
