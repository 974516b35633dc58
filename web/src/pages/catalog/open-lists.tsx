import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { type OpenList, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { PageHead, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Evidence, Failure, Shown } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { OpenListDifference, OpenListEntries } from './open-list-parts'

function columnsOf({ t, word }: Words, signedIn: boolean): Column<OpenList>[] {
  return [
    { key: 'number', title: t('openList.number'), cell: (l) => <Link to={`/open-lists/${l.number}`}>{t('openList.nth', { n: l.number })}</Link>, text: (l) => String(l.number) },
    { key: 'at', title: t('openList.publishedAt'), cell: (l) => minute(l.publishedAt), text: (l) => minute(l.publishedAt) },
    { key: 'entries', title: t('openList.entries'), number: true, cell: (l) => whole(l.entries), text: (l) => String(l.entries) },
    {
      key: 'difference',
      title: t('openList.difference'),
      cell: (l) => t('openList.counts', { added: l.added?.length ?? 0, removed: l.removed?.length ?? 0, changed: l.changed?.length ?? 0 }),
      text: (l) => `+${l.added?.length ?? 0} -${l.removed?.length ?? 0} ~${l.changed?.length ?? 0}`,
    },
    ...(signedIn
      ? [{ key: 'evidence', title: t('evidence.word'), cell: (l: OpenList) => <Evidence of={l.evidence} />, text: (l: OpenList) => word('evidence', l.evidence?.state ?? '') }]
      : []),
    {
      key: 'files',
      title: t('openList.files'),
      cell: (l) => (
        <span className="nowrap">
          <a href={`/open/${l.number}.csv`}>CSV</a> · <a href={`/open/${l.number}.jsonld`}>DCAT-AP JSON-LD</a>
        </span>
      ),
      text: (l) => `/open/${l.number}.csv`,
    },
    { key: 'sha256', title: 'SHA-256', optional: true, cell: (l) => <code>{l.sha256}</code>, text: (l) => l.sha256 },
  ]
}

export default function OpenLists() {
  const w = useWords()
  const { t } = w
  const { account, has } = useSession()
  const [previewing, setPreviewing] = useState(false)
  const list = usePaged('open lists', async (pageToken, signal) => {
    const a = await plinth.listOpenLists({ pageToken, pageSize: 50 }, { signal })
    return { rows: a.openLists ?? [], next: a.nextPageToken }
  })
  return (
    <>
      <PageHead title={t('nav.openLists')} about={t('openLists.about')}>
        {has('steward') && (
          <Button type={previewing ? 'default' : 'primary'} aria-expanded={previewing} onClick={() => setPreviewing(!previewing)}>
            {t('openLists.preview')}
          </Button>
        )}
      </PageHead>
      {previewing && <Preview />}
      <Sheet>
        <PagedTable name="open-lists" label={t('nav.openLists')} of={list} columns={columnsOf(w, Boolean(account))} rowKey={(l) => String(l.number)} empty={t('openLists.empty')} />
      </Sheet>
    </>
  )
}

/** Preview is what the next list would hold, and the act of publishing it. */
function Preview() {
  const { t } = useWords()
  const navigate = useNavigate()
  const [note, setNote] = useState('')
  const preview = useLoad('open list preview', (signal) => plinth.previewOpenList({}, { signal }))
  const publish = useWrite(
    (key, text: string) => plinth.publishOpenList({ note: text }, { key }),
    (l: OpenList) => void navigate(`/open-lists/${l.number}`),
  )
  return (
    <Sheet title={t('openLists.next')}>
      <Shown of={preview}>
        {(l) => (
          <>
            <OpenListDifference list={l} />
            <OpenListEntries list={l} />
            <div className="form" style={{ marginTop: 12 }}>
              <label htmlFor="publish-note">{t('openLists.note')}</label>
              <Input id="publish-note" value={note} onChange={(e) => setNote(e.target.value)} />
              <p className="quiet">{t('openLists.noteHelp')}</p>
              <Failure error={publish.error} />
              <Act primary busy={publish.busy} blocked={l.items?.length ? undefined : t('openLists.nothing')} onClick={() => void publish.run(note.trim())}>
                {t('openLists.publish')}
              </Act>
            </div>
          </>
        )}
      </Shown>
    </Sheet>
  )
}
