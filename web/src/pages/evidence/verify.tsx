import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useEffect, useState } from 'react'
import { useLocation, useNavigate, useParams } from 'react-router'
import { ApiError, send } from '../../api/call'
import { useWords } from '../../i18n'
import { DropBox } from '../../parts/drop'
import { PageHead, Sheet } from '../../parts/page'
import { Failure, Note } from '../../parts/states'
import { second } from '../../parts/time'
import { codeOf, shortCode } from './code'
import { Camera } from './camera'
import { Report } from './report'
import { VerdictShown } from './verdict'
import { type Asked, type DeviceFile, type Evidence, formOf, mostBytes, nameOf, textEvidence, type Trust, type Verified, verifyEvidence } from './verifier'

/** Verify is open to everybody: a receipt by its short code, pasted, dropped or scanned, is verified in the browser. */
export default function Verify() {
  const { code = '' } = useParams()
  const { t } = useWords()
  const bench = useBench(code)
  const [report, setReport] = useState(false)
  if (report && bench.verified) return <Report of={bench.verified} close={() => setReport(false)} />
  return (
    <>
      <PageHead title={t('nav.verify')} about={t('verify.about')} />
      <div className={code ? 'columns verdict-first' : 'columns'}>
        <div>
          <ByCode code={code} />
          <Sheet title={t('verify.file')}>
            <Given bench={bench} />
            {bench.ofDevice && <DeviceAsk bench={bench} />}
            <Roots bench={bench} />
            <div className="acts">
              <Button type="primary" loading={bench.busy} disabled={!bench.given || !bench.asked} onClick={() => bench.run(bench.given, bench.trust)}>
                {t('verify.act')}
              </Button>
              {!bench.given && <span className="quiet">{t('verify.first')}</span>}
            </div>
          </Sheet>
        </div>
        <Result bench={bench} print={() => setReport(true)} />
      </div>
    </>
  )
}

function Result({ bench, print }: { bench: Bench; print: () => void }) {
  const { t } = useWords()
  const { error, verified, busy } = bench
  return (
    <Sheet title={t('verify.result')} extra={verified && <Button onClick={print}>{t('verify.report')}</Button>}>
      <div aria-live="polite">
        {error instanceof Missing ? (
          <Note tone="late" title={t('verify.noSuchCode', { code: error.code })}>
            <p>{t('verify.noSuchCodeHelp')}</p>
          </Note>
        ) : (
          <Failure error={error} />
        )}
        {verified ? <VerdictShown v={verified} /> : <p className="quiet">{t(busy ? 'verify.busy' : 'verify.none')}</p>}
      </div>
    </Sheet>
  )
}

/** Missing says that no record has the code. */
class Missing extends Error {
  constructor(readonly code: string) {
    super(code)
  }
}

async function fetchByCode(code: string, signal: AbortSignal): Promise<Evidence> {
  try {
    const answer = await send(`/v1/evidence/codes/${encodeURIComponent(code)}`, { signal })
    return { ...textEvidence(await answer.text()), name: code }
  } catch (cause) {
    throw cause instanceof ApiError && (cause.status === 404 || cause.status === 400) ? new Missing(code) : cause
  }
}

/** Handed is what another page has verified here. */
interface Handed {
  receipt?: string
  device?: DeviceFile
}

type Bench = ReturnType<typeof useBench>

/** useBench holds what is verified, against which roots, and with what outcome. A code in the address is fetched and verified at once. */
function useBench(code: string) {
  const location = useLocation()
  const handed = location.state as Handed | null
  const [given, setGiven] = useState<Evidence | null>(handed?.receipt ? textEvidence(handed.receipt) : (handed?.device ?? null))
  const [trust, setTrust] = useState<Trust | null>(null)
  const [verified, setVerified] = useState<Verified | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)

  const ofDevice = given !== null && formOf(given.bytes) === 'device'
  const [wanted, setWanted] = useState(handed?.device ? asTyped(handed.device) : { device: '', from: '', to: '' })
  const asked = ofDevice ? askedOf(wanted) : nothingAsked

  const run = (what: Evidence | null, against: Trust | null) => {
    if (!what) return
    setBusy(true)
    setError(null)
    setVerified(null)
    verifyEvidence(what, against, asked).then(setVerified, setError).finally(() => setBusy(false))
  }
  const give = (next: Evidence | null) => {
    setGiven(next)
    setVerified(null)
    setError(null)
  }
  useEffect(() => {
    if (!code) return
    const stop = new AbortController()
    const work = async () => {
      setBusy(true)
      setVerified(null)
      setError(null)
      try {
        const found = await fetchByCode(code, stop.signal)
        if (stop.signal.aborted) return
        setGiven(found)
        const outcome = await verifyEvidence(found, null)
        if (!stop.signal.aborted) setVerified(outcome)
      } catch (cause) {
        if (!stop.signal.aborted) setError(cause)
      } finally {
        if (!stop.signal.aborted) setBusy(false)
      }
    }
    void work()
    return () => stop.abort()
  }, [code])
  return { ofDevice, wanted, setWanted, asked, given, give, trust, setTrust, verified, error, setError, busy, run }
}

const nothingAsked: Asked = { device: '', from: '', to: '' }

/** asTyped is what a device's file is asked for, as the form has it. */
const asTyped = (f: DeviceFile) => ({ device: f.device, from: second(f.from).replace(' ', 'T'), to: second(f.to).replace(' ', 'T') })

/** askedOf makes times of Shanghai of what was typed; null while it is not whole. */
function askedOf({ device, from, to }: Asked): Asked | null {
  const times = [from, to].map((at) => new Date(`${at}+08:00`))
  if (!device.trim() || times.some((at) => Number.isNaN(at.getTime()))) return null
  return { device: device.trim(), from: times[0]?.toISOString() ?? '', to: times[1]?.toISOString() ?? '' }
}

/** DeviceAsk: a device's file proves that nothing is missing, so the asker says of which device and period. */
function DeviceAsk({ bench }: { bench: Bench }) {
  const { t } = useWords()
  const { wanted, setWanted } = bench
  return (
    <fieldset className="roots">
      <legend>{t('verify.deviceAsk')}</legend>
      <div className="acts">
        <label htmlFor="ask_device">
          {t('verify.device')}
          <Input id="ask_device" className="mono" value={wanted.device} placeholder="lift-0001" onChange={(e) => setWanted({ ...wanted, device: e.target.value })} />
        </label>
        <label htmlFor="ask_from">
          {t('records.from')}
          <Input id="ask_from" type="datetime-local" value={wanted.from} onChange={(e) => setWanted({ ...wanted, from: e.target.value })} />
        </label>
        <label htmlFor="ask_to">
          {t('records.to')}
          <Input id="ask_to" type="datetime-local" value={wanted.to} onChange={(e) => setWanted({ ...wanted, to: e.target.value })} />
        </label>
      </div>
    </fieldset>
  )
}

/** ByCode asks for the receipt that a short code stands for. The code is all that the service learns. */
function ByCode({ code }: { code: string }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const [typed, setTyped] = useState(code)
  const [scanning, setScanning] = useState(false)
  const [foreign, setForeign] = useState('')
  const found = shortCode(typed)
  const go = (next: string) => void navigate(`/v/${next}`)
  const seen = (text: string) => {
    setScanning(false)
    const scanned = codeOf(text)
    setForeign(scanned ? (scanned.host === '' || scanned.host === location.host ? '' : scanned.host) : '?')
    if (!scanned) return
    setTyped(scanned.code)
    if (scanned.host === '' || scanned.host === location.host) go(scanned.code)
  }
  return (
    <Sheet title={t('verify.byCode')}>
      <form
        className="acts"
        onSubmit={(e) => {
          e.preventDefault()
          if (found) go(found)
        }}
      >
        <label htmlFor="code" style={{ flex: '1 1 240px' }}>
          {t('verify.code')}
          <Input id="code" className="mono" value={typed} spellCheck={false} autoComplete="off" placeholder="7F3K-09QX-ZT4M-P2HA" onChange={(e) => setTyped(e.target.value)} />
        </label>
        <Button htmlType="submit" disabled={!found}>
          {t('verify.fetch')}
        </Button>
        <Button aria-expanded={scanning} onClick={() => setScanning(!scanning)}>
          {t(scanning ? 'verify.stopScan' : 'verify.scan')}
        </Button>
      </form>
      {typed && !found && <p className="quiet">{t('verify.codeForm')}</p>}
      {foreign && <Note tone="warn" title={foreign === '?' ? t('verify.noCode') : t('verify.foreignCode', { host: foreign })} />}
      {scanning && <Camera seen={seen} />}
      <p className="quiet" style={{ marginBottom: 0 }}>
        {t('verify.codeAbout')}
      </p>
    </Sheet>
  )
}

/** Given is what is to be verified: pasted text, or a file of any of the forms; a picture is searched for a code. */
function Given({ bench }: { bench: Bench }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const [notice, setNotice] = useState('')
  const take = async (file: File) => {
    setNotice('')
    if (file.size > mostBytes) return setNotice(t('verify.large'))
    if (file.type.startsWith('image/')) {
      const { readPicture } = await import('./scan')
      const scanned = codeOf(await readPicture(file).catch(() => ''))
      if (!scanned) return setNotice(t('verify.noCode'))
      if (scanned.host && scanned.host !== location.host) return setNotice(t('verify.foreignCode', { host: scanned.host }))
      return void navigate(`/v/${scanned.code}`)
    }
    bench.give({ bytes: new Uint8Array(await file.arrayBuffer()), name: file.name })
  }
  const text = bench.given?.text ?? ''
  return (
    <>
      <label htmlFor="receipt">{t('verify.paste')}</label>
      <Input.TextArea id="receipt" className="mono" rows={8} value={text} spellCheck={false} onChange={(e) => bench.give(e.target.value.trim() ? textEvidence(e.target.value) : null)} style={{ margin: '4px 0 10px' }} />
      <DropBox label={t('verify.drop')} onFile={(f) => void take(f)} />
      {bench.given && !bench.given.text && <p>{t('verify.holds', { name: bench.given.name, form: nameOf(bench.given, t), size: bench.given.bytes.length })}</p>}
      {notice && <Note tone="warn" title={notice} />}
    </>
  )
}

/** Roots says what is trusted. Who does not trust the service brings the organisations' certificates himself. */
function Roots({ bench }: { bench: Bench }) {
  const { t } = useWords()
  const own = bench.trust
  return (
    <fieldset className="roots">
      <legend>{t('verify.roots')}</legend>
      <p>{own ? t('verify.ownRoots', { name: own.name }) : t('verify.serviceRoots')}</p>
      <p className="quiet">{t('verify.rootsHelp')}</p>
      <DropBox label={t('verify.dropRoots')} accept=".json,application/json" onFile={(f) => void f.text().then((text) => bench.setTrust({ name: f.name, text }))} />
      {own && (
        <Button size="small" onClick={() => bench.setTrust(null)}>
          {t('verify.dropOwn')}
        </Button>
      )}
    </fieldset>
  )
}
