import { useEffect, useRef, useState } from 'react'
import { ApiError } from '../../api/call'
import { plinth } from '../../api/plinth'
import { upload } from '../../api/stream'
import { save } from '../../parts/figures'
import { credentialFile, type Credential, lostOf, nothingTold, take, type Told } from './device-import-lines'

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
  /** Devices that are on file while their secrets never arrived. */
  lost: string[]
  rotated: number
}

const idle: DeviceJob = { told: null, dry: true, busy: false, error: null, broken: false, received: [], savedAs: '', lost: [], rotated: 0 }

/** useDeviceImport checks and imports one file at a time. Secrets that arrive are saved as a file at once, also when the rest fails. */
export function useDeviceImport() {
  const [job, setJob] = useState(idle)
  const before = useRef<string[] | null>(null)
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
      await upload(`/v1/device-imports?dry_run=${dry}`, file, (line) => take(told, line), stop.signal)
    } catch (cause) {
      if (!stop.signal.aborted) error = cause
    }
    clearInterval(paint)
    end(told, dry, error)
  }

  const end = (told: Told, dry: boolean, error: unknown) => {
    if (dry && told.counts) before.current ??= told.known
    const known = before.current
    setJob((j) => {
      const received = [...j.received, ...told.credentials]
      const lost = known && told.counts ? lostOf(told.known, known, received) : j.lost
      return { ...j, told: { ...told }, busy: false, error, broken: !dry && !told.counts && !refusedWhole(error), received, lost }
    })
    if (told.credentials.length) keep(told.credentials)
  }

  const keep = (all: Credential[]) => {
    const savedAs = `device-credentials-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.csv`
    save(savedAs, 'text/csv;charset=utf-8', credentialFile(all))
    setJob((j) => ({ ...j, savedAs }))
  }

  /** rotate gives a new secret to each device whose own was lost. */
  const rotate = async () => {
    const made: Credential[] = []
    setJob((j) => ({ ...j, busy: true, error: null, rotated: 0 }))
    let error: unknown = null
    try {
      for (const id of job.lost) {
        const a = await plinth.rotateCredential({ id, graceS: 0 })
        made.push({ id, secret: a.mqttPassword })
        setJob((j) => ({ ...j, rotated: made.length }))
      }
    } catch (cause) {
      error = cause
    }
    const received = [...job.received, ...made]
    setJob((j) => ({ ...j, busy: false, error, received, lost: lostOf(j.lost, [], made) }))
    if (made.length) keep(received)
  }

  /** forget makes ready for another file; secrets stay until the page is left. */
  const forget = () => {
    before.current = null
    setJob((j) => ({ ...idle, received: j.received, savedAs: j.savedAs }))
  }
  return { job, send, rotate, forget, saveAgain: () => keep(job.received), stop: () => stopper.current?.abort() }
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
