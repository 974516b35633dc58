import { useCallback, useEffect, useRef, useState } from 'react'

export interface Loaded<T> {
  data: T | undefined
  error: unknown
  loading: boolean
  reload: () => void
  /** put replaces the data with what a write has answered. */
  put: (data: T) => void
}

interface Held<T> {
  key: string
  turn: number
  data?: T
  error?: unknown
}

/**
 * useLoad loads when key changes or reload is called. What was loaded for another key is not shown, unless keep is true:
 * a list may stand until its next page has come. An empty key loads nothing.
 */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>, keep = false): Loaded<T> {
  const [held, setHeld] = useState<Held<T>>({ key: '', turn: -1 })
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  useEffect(() => {
    latest.current = load
  })
  useEffect(() => {
    if (!key) return
    const stop = new AbortController()
    latest.current(stop.signal).then(
      (data) => {
        if (!stop.signal.aborted) setHeld({ key, turn, data })
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setHeld((h) => ({ key, turn, error, data: h.key === key ? h.data : undefined }))
      },
    )
    return () => stop.abort()
  }, [key, turn])
  const reload = useCallback(() => setTurn((n) => n + 1), [])
  const put = useCallback((data: T) => setHeld({ key, turn, data }), [key, turn])
  const current = held.key === key
  return {
    data: current || keep ? held.data : undefined,
    error: current ? held.error : undefined,
    loading: key !== '' && (!current || held.turn !== turn),
    reload,
    put,
  }
}
