import { useRef, useState } from 'react'
import { type Run } from '../../api/plinth'
import { upload } from '../../api/stream'

/** useImport runs one import at a time and keeps its newest state: every line of the answer is the run as it stands. */
export function useImport() {
  const [run, setRun] = useState<Run | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const [stopped, setStopped] = useState(false)
  const stopper = useRef<AbortController>(null)
  const start = async (mapping: string, name: string, file: File) => {
    const stop = new AbortController()
    stopper.current = stop
    setBusy(true)
    setError(null)
    setRun(null)
    setStopped(false)
    const path = `/v1/imports?mapping=${encodeURIComponent(mapping)}&name=${encodeURIComponent(name)}`
    try {
      await upload(path, file, (line) => setRun(line as Run), stop.signal)
    } catch (cause) {
      if (stop.signal.aborted) setStopped(true)
      else setError(cause)
    } finally {
      setBusy(false)
    }
  }
  return { run, error, busy, stopped, start, stop: () => stopper.current?.abort() }
}
