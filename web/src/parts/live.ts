import { useEffect, useRef, useState } from 'react'
import { type Alarm } from '../api/plinth'
import { listen } from '../api/stream'

export interface LiveReading {
  device: string
  metric: string
  at: string
  value: number
  flags?: string[]
}
export interface LiveRate {
  domain: string
  rows: number
  dead: number
  retries: number
  total: number
  insertMs: number
}
export interface LiveHandlers {
  reading?: (r: LiveReading) => void
  ingest?: (rates: LiveRate[]) => void
  alert?: () => void
  alarm?: (a: Alarm) => void
}

/**
 * useLive listens to what happens now, unless paused. Of readings it sees a sample, or all of one device when that is
 * named. It returns whether the stream is open.
 */
export function useLive(handlers: LiveHandlers, paused: boolean, device = ''): boolean {
  const [open, setOpen] = useState(false)
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    if (paused) return
    const stop = new AbortController()
    void listen(device ? `/v1/live?device=${encodeURIComponent(device)}` : '/v1/live', (e) => hand(latest.current, e.event, e.data), setOpen, stop.signal)
    return () => {
      stop.abort()
      setOpen(false)
    }
  }, [paused, device])
  return open && !paused
}

function hand(to: LiveHandlers, event: string, data: string) {
  const value: unknown = JSON.parse(data)
  if (event === 'reading') to.reading?.(value as LiveReading)
  if (event === 'ingest') to.ingest?.((value as { domains?: LiveRate[] }).domains ?? [])
  if (event === 'alert') to.alert?.()
  if (event === 'alarm') to.alarm?.(value as Alarm)
}
