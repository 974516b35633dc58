// The verification of evidence in the browser: the same Go code as plinth-verify, compiled to WebAssembly.
import { send } from '../../api/call'
import { type Key } from '../../i18n'

/** Verdict is what the verifier found, as it tells it. */
export interface Verdict {
  word: string
  proven: boolean
  fault?: { part?: string; org?: string; reason: string }
  checked: string[]
  notChecked: string[]
  facts: Record<string, unknown>
}

/** Evidence is what is to be verified. `text` is there when it was given as text and can be edited. */
export interface Evidence {
  bytes: Uint8Array<ArrayBuffer>
  name: string
  text?: string
}

/** Asked is what a device's file must show: whose it is and for which period, as RFC 3339. Other forms need nothing. */
export interface Asked {
  device: string
  from: string
  to: string
}

/** DeviceFile is a device's file of evidence with what it must show. */
export type DeviceFile = Evidence & Asked

/** Trust is a file of root certificates that the user brought; without one the service's are asked for. */
export interface Trust {
  name: string
  text: string
}

/** Verified is a verdict with what it is about: against whose roots, and when. */
export interface Verified {
  evidence: Evidence
  verdict: Verdict
  trust: Trust | null
  at: string
}

/** More than this is none of the forms. */
export const mostBytes = 64 << 20

export const textEvidence = (text: string): Evidence => ({ bytes: new TextEncoder().encode(text), name: '', text })

declare global {
  interface Window {
    Go?: new () => { importObject: WebAssembly.Imports; run: (i: WebAssembly.Instance) => Promise<void> }
    plinthVerifyReceipt?: (receipt: Uint8Array, roots: string) => string
    plinthVerifyBatch?: (batch: Uint8Array, roots: string) => string
    plinthVerifyCase?: (file: Uint8Array, roots: string) => string
    plinthVerifyDevice?: (file: Uint8Array, roots: string, device: string, from: string, to: string) => string
  }
}

function loadScript(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = src
    script.onload = () => resolve()
    script.onerror = () => reject(new Error(`${src} cannot be loaded`))
    document.head.append(script)
  })
}

let started: Promise<void> | null = null

async function start() {
  if (!window.Go) await loadScript('/wasm_exec.js')
  if (!window.Go) throw new Error('wasm_exec.js defines no Go')
  const go = new window.Go()
  const file = await fetch('/verify.wasm')
  if (!file.ok) throw new Error(`verify.wasm cannot be loaded: ${file.status}`)
  const { instance } = await WebAssembly.instantiate(await file.arrayBuffer(), go.importObject)
  void go.run(instance)
  for (let tries = 0; !window.plinthVerifyDevice; tries++) {
    if (tries > 100) throw new Error('verify.wasm defines no plinthVerifyDevice')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** verifyEvidence checks a file against roots. The file does not leave the browser. */
export async function verifyEvidence(evidence: Evidence, trust: Trust | null, asked: Asked | null = null): Promise<Verified> {
  started ??= start().catch((cause: unknown) => {
    started = null
    throw cause
  })
  await started
  const roots = trust?.text ?? (await (await send('/v1/evidence/roots')).text())
  const json = check(evidence.bytes, roots, asked) ?? ''
  return { evidence, verdict: readVerdict(json), trust, at: new Date().toISOString() }
}

/** check hands a file to the verifier of its form. What is none of the forms goes to the receipts': it says what is wrong. */
function check(file: Uint8Array, roots: string, asked: Asked | null): string | undefined {
  switch (formOf(file)) {
    case 'batch':
      return window.plinthVerifyBatch?.(file, roots)
    case 'case':
      return window.plinthVerifyCase?.(file, roots)
    case 'device':
      return window.plinthVerifyDevice?.(file, roots, asked?.device ?? '', asked?.from ?? '', asked?.to ?? '')
    default:
      return window.plinthVerifyReceipt?.(file, roots)
  }
}

export type Form = 'receipt' | 'cose' | 'batch' | 'case' | 'device' | 'unknown'

/** Each form of CBOR names itself in its first field. */
const domains: [domain: string, form: Form][] = [
  ['plinth-batch/v1', 'batch'],
  ['plinth-case-file/v1', 'case'],
  ['plinth-device/v1', 'device'],
]

/** formOf tells by its first bytes which form a file has. */
export function formOf(bytes: Uint8Array): Form {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 64))
  if (head.startsWith('c2sp.org/tlog-proof@v1')) return 'receipt'
  if (bytes[0] === 0xd2) return 'cose' // the tag of COSE_Sign1, RFC 9052 §4.2
  return domains.find(([domain]) => head.slice(1, 5 + domain.length).includes(domain))?.[1] ?? 'unknown'
}

/** nameOf is the form in words. */
export function nameOf(evidence: Evidence, t: (key: Key) => string): string {
  return t(`form.${formOf(evidence.bytes)}`)
}

const list = (v: unknown) => (Array.isArray(v) ? v.filter((x) => typeof x === 'string') : [])

/** readVerdict reads the verifier's JSON; only the words that mean "proven" count as proven. */
export function readVerdict(json: string): Verdict {
  const { word, exitCode: _, checked, notChecked, fault, device, case: ofCase, ...rest } = JSON.parse(json) as Record<string, unknown>
  const facts = { ...rest, ...(device as object | undefined), ...(ofCase as object | undefined) }
  const f = fault as Verdict['fault']
  return {
    word: String(word ?? ''),
    proven: word === 'record-proven' || word === 'record-and-data-proven',
    checked: list(checked),
    notChecked: list(notChecked),
    facts,
    ...(f ? { fault: f } : {}),
  }
}
