import { useEffect, useRef, useState } from 'react'
import { ApiError } from '../../api/call'
import { upload } from '../../api/stream'
import { save } from '../../parts/figures'
import { credentialFile, type Credential, nothingTold, take, type Told } from './device-import-lines'

/** How often the page is painted again while lines come. */
const turn = 200

export interface DeviceJob {
  /** What the newest check or import has told; `dry` says which of the two it was. */
  told: Told | null
  dry: boolean
  busy: boolean
  error: unknown
  /** An import's answer ended before its counts: secrets may be lost. */
  broken: boolean
  /** All that were received since the page was opened. */
  received: Credential[]
  savedAs: string
}

const idle: DeviceJob = { told: null, dry: true, busy: false, error: null, broken: false, received: [], savedAs: '' }

/** useDeviceImport checks and imports one file at a time. Secrets that arrive are saved as a file at once, also when the rest fails. */
export function useDeviceImport() {
  const [job, setJob] = useState(idle)
  const checkedAt = useRef('') // by the service's clock, before anything of the file was imported
  const renewSince = useRef('') // "" until an answer with secrets is lost
  const stopper = useRef<AbortController>(null)
  useKeepOpen(job.busy && !job.dry)

  const send = async (file: File, dry: boolean) => {
    const stop = new AbortController()
    stopper.current = stop
    const told = nothingTold()
    setJob((j) => ({ ...j, told: null, dry, busy: true, error: null, broken: false }))
    const paint = setInterval(() => setJob((j) => ({ ...j, told: { ...told } })), turn)
    let error: unknown = null
    try {
      const path = `/v1/device-imports?dry_run=${dry}&renew_since=${encodeURIComponent(renewSince.current)}`
      await upload(path, file, (line) => take(told, line), stop.signal, (h) => (checkedAt.current ||= h.get('Plinth-Import-Began') ?? ''))
    } catch (cause) {
      if (!stop.signal.aborted) error = cause
    }
    clearInterval(paint)
    end(told, dry, error)
  }

  const end = (told: Told, dry: boolean, error: unknown) => {
    const broken = !dry && !told.counts && !refusedWhole(error)
    if (broken) renewSince.current = checkedAt.current
    setJob((j) => ({ ...j, told: { ...told }, busy: false, error, broken, received: [...j.received, ...told.credentials] }))
    if (told.credentials.length) keep(told.credentials)
  }

  const keep = (all: Credential[]) => {
    const savedAs = `device-credentials-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.csv`
    save(savedAs, 'text/csv;charset=utf-8', credentialFile(all))
    setJob((j) => ({ ...j, savedAs }))
  }

  /** forget makes ready for another file; secrets stay until the page is left. */
  const forget = () => {
    checkedAt.current = renewSince.current = ''
    setJob((j) => ({ ...idle, received: j.received, savedAs: j.savedAs }))
  }
  return { job, send, forget, saveAgain: () => keep(job.received), stop: () => stopper.current?.abort() }
}

/** refusedWhole tells a file that was refused before any of its rows was looked at from an answer that was lost. */
const refusedWhole = (error: unknown) => error instanceof ApiError && error.status >= 400 && error.status < 500

/** useKeepOpen has the browser ask before the page is closed while secrets are on their way. */
function useKeepOpen(on: boolean) {
  useEffect(() => {
    if (!on) return
    const ask = (e: BeforeUnloadEvent) => e.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [on])
}
