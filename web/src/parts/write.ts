import { useCallback, useRef, useState } from 'react'
import { ApiError, newKey } from '../api/call'

/** useWrite runs one write at a time. Repeated after a failure to reach the service it carries the same key, so that it happens once. */
export function useWrite<A extends unknown[], T>(write: (key: string, ...args: A) => Promise<T>, then: (answer: T) => void) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const kept = useRef({ args: '', key: '' })
  const run = useCallback(
    async (...args: A) => {
      const same = JSON.stringify(args)
      if (kept.current.args !== same) kept.current = { args: same, key: newKey() }
      setBusy(true)
      setError(null)
      try {
        const answer = await write(kept.current.key, ...args)
        kept.current = { args: '', key: '' }
        then(answer)
      } catch (cause) {
        // An answer was had: what is sent next is another write. Without one, the same write may already have happened.
        if (cause instanceof ApiError && cause.status >= 400 && cause.status < 500) kept.current = { args: '', key: '' }
        setError(cause)
      } finally {
        setBusy(false)
      }
    },
    [write, then],
  )
  return { run, busy, error }
}
