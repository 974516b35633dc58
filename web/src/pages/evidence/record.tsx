import Button from 'antd/es/button'
import { useEffect, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { send } from '../../api/call'
import { type EvidenceRecord, plinth } from '../../api/plinth'
import { recordRoles } from '../../frame/menu'
import { useWords } from '../../i18n'
import { save, saveBlob, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note, Shown, State } from '../../parts/states'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { Erasure } from './erase'
import { CodePicture } from './qr'
import { casePath, subjectPath } from './subject'

/** While it is not on chain, the record is asked again this often. */
const pause = 3000

export default function RecordPage() {
  const { id = '' } = useParams()
  const record = useLoad(`record ${id}`, (signal) => plinth.getRecord({ recordId: id }, { signal }))
  const { data, reload } = record
  useEffect(() => {
    if (!data || data.state === 'anchored') return
    const wait = setTimeout(reload, pause)
    return () => clearTimeout(wait)
  }, [data, reload])
  return <Shown of={record}>{(r) => <RecordShown r={r} />}</Shown>
}

function RecordShown({ r }: { r: EvidenceRecord }) {
  const { t, word } = useWords()
  const { has } = useSession()
  return (
    <>
      <PageHead
        title={t('record.title', { kind: word('action', r.kind) })}
        about={
          <>
            <State family="evidence" value={r.state} /> <span className="mono">{r.shortCode}</span> {r.erasedBy && <span className="tone plain">{t('record.erased')}</span>}
          </>
        }
      >
        <Receipt r={r} />
      </PageHead>
      {r.erasedBy && (
        <Note tone="plain" title={t('record.erasedTitle')}>
          <p>
            {t('record.erasedAbout')} <Link to={`/evidence/${r.erasedBy}`}>{t('record.erasedBy')}</Link>
          </p>
        </Note>
      )}
      <div className="columns">
        <div>
          <Sheet title={t('tab.about')}>
            <RecordFacts r={r} />
          </Sheet>
          <Sheet title={t('record.progress')}>
            <Progress r={r} />
          </Sheet>
        </div>
        <div>
          {r.state === 'anchored' && (
            <Sheet title={t('code.title')}>
              <CodePicture code={r.shortCode} />
            </Sheet>
          )}
          {has(...recordRoles) && <OfSubject r={r} />}
          {has('operator') && r.subject && !r.erasedBy && <Erasure subject={r.subject} />}
        </div>
      </div>
    </>
  )
}

function Progress({ r }: { r: EvidenceRecord }) {
  const { t, word } = useWords()
  return (
    <ol className="timeline">
      {(['pending', 'sealed', 'anchored'] as const).map((step, n) => (
        <li key={step} style={{ opacity: n <= reached(r) ? 1 : 0.55 }}>
          <State family="evidence" value={n <= reached(r) ? step : ''} />
          {n > reached(r) && <span className="tone plain">{word('evidence', step)}</span>}
          <p>{t(`record.${step}About`)}</p>
        </li>
      ))}
    </ol>
  )
}

/** OfSubject is what else is recorded of the same subject, newest first, each line with its receipt. */
function OfSubject({ r }: { r: EvidenceRecord }) {
  const { t, word } = useWords()
  const list = useLoad(`records of ${r.subject}`, (signal) => plinth.listRecords({ subject: r.subject, pageSize: 12 }, { signal }))
  return (
    <Sheet title={t('record.ofSubject')} extra={<Link to={`/evidence?subject=${encodeURIComponent(r.subject)}`}>{t('record.allOfSubject', { n: whole(list.data?.totalSize) })}</Link>}>
      <Shown of={list}>
        {(a) => (
          <>
          <Link to={`/evidence/provenance?subject=${encodeURIComponent(r.subject)}`}>{t('record.provenance')}</Link>
          <ol className="timeline">
            {(a.records ?? []).map((o) => (
              <li key={o.recordId} aria-current={o.recordId === r.recordId ? 'true' : undefined}>
                <div className="line">
                  {o.recordId === r.recordId ? <b>{word('action', o.kind)}</b> : <Link to={`/evidence/${o.recordId}`}>{word('action', o.kind)}</Link>}
                  <State family="evidence" value={o.state} />
                </div>
                <div className="quiet">
                  {o.org} · <time dateTime={o.at ?? ''}>{second(o.at)}</time>
                </div>
              </li>
            ))}
          </ol>
          </>
        )}
      </Shown>
    </Sheet>
  )
}

const reached = (r: EvidenceRecord) => ['pending', 'sealed', 'anchored'].indexOf(r.state)

function RecordFacts({ r }: { r: EvidenceRecord }) {
  const { t, word } = useWords()
  const path = subjectPath(r.subject)
  const sealed = r.state !== 'pending'
  return (
    <Facts
      of={[
        [t('record.kind'), <code key="k">{r.kind}</code>],
        [t('record.at'), second(r.at)],
        [t('record.subject'), r.subject && (path ? <Link key="s" className="mono" to={path}>{r.subject}</Link> : <code key="s">{r.subject}</code>)],
        [t('record.case'), r.caseId && <Link key="a" className="mono" to={casePath(r.caseId)}>{r.caseId}</Link>],
        [t('record.org'), r.org],
        [t('record.origin'), word('origin', r.origin)],
        [t('record.index'), sealed ? whole(r.index) : ''],
        [t('record.subjectSeq'), sealed ? whole(r.subjectSeq) : ''],
        [t('record.leaf'), r.leafHash && <code key="l">{r.leafHash}</code>],
        [t('record.checkpoint'), r.state === 'anchored' ? whole(r.checkpointSize) : ''],
        [t('record.tx'), r.txId && <code key="t">{r.txId}</code>],
        [t('record.block'), r.state === 'anchored' ? whole(r.block) : ''],
        [t('record.code'), <code key="c">{r.shortCode}</code>],
        [t('record.id'), <code key="i">{r.recordId}</code>],
      ]}
    />
  )
}

function Receipt({ r }: { r: EvidenceRecord }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const [error, setError] = useState<unknown>(null)
  const at = `/v1/evidence/records/${encodeURIComponent(r.recordId)}/receipt`
  const fetchReceipt = async () => (await send(at)).text()
  const keep = (form: string, end: string) => {
    setError(null)
    send(`${at}?form=${form}`).then(async (a) => saveBlob(`${r.shortCode}${end}`, await a.blob()), setError)
  }
  const run = (then: (text: string) => void) => {
    setError(null)
    fetchReceipt().then(then, setError)
  }
  const blocked = r.state === 'anchored' ? undefined : t('record.notYet')
  return (
    <>
      <Act primary blocked={blocked} onClick={() => run((text) => save(`${r.shortCode}.tlog-proof`, 'text/plain;charset=utf-8', text))}>
        {t('record.download')}
      </Act>
      {!blocked && <Button onClick={() => run((receipt) => void navigate('/verify', { state: { receipt } }))}>{t('record.verifyHere')}</Button>}
      {!blocked && (
        <>
          <Button onClick={() => keep('reference', '.ref.tlog-proof')}>{t('record.reference')}</Button>
          <Button onClick={() => keep('cose', '.cose')}>COSE</Button>
        </>
      )}
      <Failure error={error} />
    </>
  )
}
