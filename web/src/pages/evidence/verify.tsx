import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useState } from 'react'
import { useLocation } from 'react-router'
import { send } from '../../api/call'
import { useWords } from '../../i18n'
import { DropBox } from '../../parts/drop'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note } from '../../parts/states'
import { type Verdict, verify } from './verifier'

/** A receipt is a few kilobytes; more than this is no receipt. */
const mostBytes = 1 << 20

export default function Verify() {
  const { t } = useWords()
  const location = useLocation()
  const given = (location.state as { receipt?: string } | null)?.receipt ?? ''
  const [receipt, setReceipt] = useState(given)
  const [roots, setRoots] = useState<{ name: string; text: string } | null>(null)
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)

  const edit = (text: string) => {
    setReceipt(text)
    setVerdict(null)
  }
  const take = async (file: File) => (file.size > mostBytes ? setError(new Error(t('verify.large'))) : edit(await file.text()))
  const run = async () => {
    setBusy(true)
    setError(null)
    setVerdict(null)
    try {
      const trusted = roots?.text ?? (await (await send('/v1/evidence/roots')).text())
      setVerdict(await verify(receipt, trusted))
    } catch (cause) {
      setError(cause)
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <PageHead title={t('nav.verify')} about={t('verify.about')} />
      <div className="columns">
        <Sheet title={t('record.receipt')}>
          <label htmlFor="receipt">{t('verify.paste')}</label>
          <Input.TextArea id="receipt" className="mono" rows={10} value={receipt} spellCheck={false} onChange={(e) => edit(e.target.value)} style={{ margin: '4px 0 10px' }} />
          <DropBox label={t('verify.drop')} onFile={(f) => void take(f)} />
          <details style={{ margin: '12px 0' }}>
            <summary>{roots ? t('verify.ownRoots', { name: roots.name }) : t('verify.serviceRoots')}</summary>
            <p className="quiet">{t('verify.rootsHelp')}</p>
            <DropBox label={t('verify.dropRoots')} accept=".json,application/json" onFile={(f) => void f.text().then((text) => setRoots({ name: f.name, text }))} />
          </details>
          <div className="acts">
            <Button type="primary" loading={busy} disabled={!receipt.trim()} onClick={() => void run()}>
              {t('verify.act')}
            </Button>
            {!receipt.trim() && <span className="quiet">{t('verify.first')}</span>}
          </div>
        </Sheet>
        <Sheet title={t('verify.result')}>
          <div aria-live="polite">
            <Failure error={error} />
            {verdict ? <VerdictShown v={verdict} /> : <p className="quiet">{t('verify.none')}</p>}
          </div>
        </Sheet>
      </div>
    </>
  )
}

/** VerdictShown says the word first, then what was looked at, and as plainly what was not. */
function VerdictShown({ v }: { v: Verdict }) {
  const { t, word } = useWords()
  const facts = Object.entries(v.facts).filter(([, value]) => value !== null && value !== '' && value !== undefined)
  return (
    <>
      <Note tone={v.proven ? 'ok' : 'late'} title={<span className="verdict">{word('verdict', v.word)}</span>}>
        <p>{word('verdictAbout', v.word) === v.word ? '' : word('verdictAbout', v.word)}</p>
        {v.fault && (
          <p>
            {v.fault.part && (
              <>
                {t('verify.fault')} <b>{word('part', v.fault.part)}</b>
                {v.fault.org && ` (${v.fault.org})`}:{' '}
              </>
            )}
            {v.fault.reason}
          </p>
        )}
      </Note>
      <h3>{t('verify.checked')}</h3>
      <ul>
        {v.checked.map((c) => (
          <li key={c}>{word('check', c)}</li>
        ))}
      </ul>
      <h3>{t('verify.notChecked')}</h3>
      <ul>
        {v.notChecked.map((c) => (
          <li key={c}>{word('notChecked', c)}</li>
        ))}
      </ul>
      {facts.length > 0 && (
        <>
          <h3 style={{ marginBottom: 6 }}>{t('verify.facts')}</h3>
          {!v.proven && <p className="quiet">{t('verify.unproven')}</p>}
          <Facts of={facts.map(([name, value]) => [word('verdictFact', name), <code key={name}>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</code>])} />
        </>
      )}
    </>
  )
}
