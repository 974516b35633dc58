import Button from 'antd/es/button'
import { lazy, Suspense, useCallback, useMemo } from 'react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { send } from '../../api/call'
import { useWords, type Words } from '../../i18n'
import { save } from '../../parts/figures'
import { FilterBar, SearchBox } from '../../parts/filters'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { Loading, Note, Shown } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { type ProvEdge, type ProvGraph, readProv } from './prov'

const ProvPicture = lazy(() => import('./prov-picture'))

/** Provenance shows who passed what to whom around a subject: a picture, and the same as a table. */
export default function Provenance() {
  const { t } = useWords()
  const [params, setParams] = useSearchParams()
  const subject = params.get('subject') ?? ''
  const found = useLoad(subject && `provenance ${subject}`, async (signal) => {
    const answer = await send(`/v1/evidence/provenance?subject=${encodeURIComponent(subject)}`, { signal })
    return { file: await answer.text(), cut: answer.headers.get('Plinth-Provenance-Cut') === 'true' }
  })
  const search = useCallback((next: string) => setParams(next ? { subject: next } : {}, { replace: true }), [setParams])
  return (
    <>
      <PageHead title={t('prov.title')} about={t('prov.about')}>
        {found.data && <Button onClick={() => save(`${subject.replace(':', '-')}.prov.json`, 'application/json', found.data?.file ?? '')}>{t('prov.download')}</Button>}
      </PageHead>
      <FilterBar label={t('filter.title')}>
        <SearchBox label={t('records.subject')} value={subject} onSearch={search} />
      </FilterBar>
      {subject ? (
        <Shown of={found}>
          {(f) => (
            <>
              {f.cut && <Note tone="warn" title={t('prov.cut')} />}
              <GraphShown file={f.file} />
            </>
          )}
        </Shown>
      ) : (
        <p className="quiet">{t('prov.first')}</p>
      )}
    </>
  )
}

function GraphShown({ file }: { file: string }) {
  const w = useWords()
  const { t, word } = w
  const navigate = useNavigate()
  const g = useMemo(() => readProv(file), [file])
  const kinds = useMemo(() => ({ entity: word('provKind', 'entity'), activity: word('provKind', 'activity'), agent: word('provKind', 'agent') }), [word])
  const relation = useCallback((r: string) => word('relation', r), [word])
  const open = useCallback((record: string) => void navigate(`/evidence/${record}`), [navigate])
  return (
    <>
      <Sheet title={t('prov.picture')}>
        <Suspense fallback={<Loading />}>
          <ProvPicture g={g} label={t('prov.label', { nodes: g.nodes.length, edges: g.edges.length })} kinds={kinds} relation={relation} open={open} />
        </Suspense>
      </Sheet>
      <div style={{ height: 16 }} />
      <Sheet title={t('prov.table')}>
        <Table name="provenance" label={t('prov.table')} columns={columns(w, g)} rows={g.edges} rowKey={(_, n) => String(n)} empty={t('prov.none')} sortable />
      </Sheet>
    </>
  )
}

function columns({ t, word }: Words, g: ProvGraph): Column<ProvEdge>[] {
  const labels = new Map(g.nodes.map((n) => [n.id, n.label]))
  const name = (id: string) => labels.get(id) ?? id
  return [
    { key: 'from', title: t('prov.from'), wide: true, cell: (e) => name(e.from), text: (e) => name(e.from) },
    { key: 'relation', title: t('prov.relation'), cell: (e) => word('relation', e.relation), text: (e) => word('relation', e.relation) },
    { key: 'to', title: t('prov.to'), wide: true, cell: (e) => name(e.to), text: (e) => name(e.to) },
    { key: 'receipt', title: t('record.receipt'), cell: (e) => <Link className="mono nowrap" to={`/evidence/${e.record}`}>{e.code}</Link>, text: (e) => e.code },
  ]
}
