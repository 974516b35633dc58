// The verification of receipts in the browser: the same Go code as plinth-verify, compiled to WebAssembly.

/** Verdict is what the verifier found, as it tells it. */
export interface Verdict {
  word: string
  proven: boolean
  fault?: { part?: string; org?: string; reason: string }
  checked: string[]
  notChecked: string[]
  facts: Record<string, unknown>
}

declare global {
  interface Window {
    Go?: new () => { importObject: WebAssembly.Imports; run: (i: WebAssembly.Instance) => Promise<void> }
    plinthVerify?: (receipt: string, roots: string) => string
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
  for (let tries = 0; !window.plinthVerify; tries++) {
    if (tries > 100) throw new Error('verify.wasm defines no plinthVerify')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** verify checks a receipt against roots, both as text. Nothing leaves the browser. */
export async function verify(receipt: string, roots: string): Promise<Verdict> {
  started ??= start().catch((cause: unknown) => {
    started = null
    throw cause
  })
  await started
  return readVerdict(window.plinthVerify?.(receipt, roots) ?? '')
}

const list = (v: unknown) => (Array.isArray(v) ? v.filter((x) => typeof x === 'string') : [])

/** readVerdict reads the verifier's JSON; only the words that mean "proven" count as proven. */
export function readVerdict(json: string): Verdict {
  const { word, exitCode: _, checked, notChecked, fault, ...facts } = JSON.parse(json) as Record<string, unknown>
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
