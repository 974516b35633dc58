// Streams that the API answers with: server-sent events and NDJSON. Both carry the token, which EventSource cannot.
import { send } from './call'

export interface ServerEvent {
  event: string
  data: string
}

/** lines cuts chunks of text into lines; the rest of a chunk waits for the next. */
export function lineCutter(onLine: (line: string) => void) {
  let rest = ''
  return (chunk: string) => {
    const parts = (rest + chunk).split(/\r?\n/)
    rest = parts.pop() ?? ''
    parts.forEach(onLine)
  }
}

/** eventParser makes events of lines (WHATWG HTML, "server-sent events"); comments and ids are passed over. */
export function eventParser(onEvent: (e: ServerEvent) => void) {
  let event = ''
  let data: string[] = []
  return (line: string) => {
    if (line === '') {
      if (data.length) onEvent({ event: event || 'message', data: data.join('\n') })
      event = ''
      data = []
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') event = value
    if (name === 'data') data.push(value)
  }
}

async function readLines(answer: Response, onLine: (line: string) => void) {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!reader) return
  const cut = lineCutter(onLine)
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    cut(value)
  }
  cut('\n')
}

/** listen reads events until the signal ends it; it comes back after a break, waiting longer each time, at most 30 s. */
export async function listen(path: string, onEvent: (e: ServerEvent) => void, onState: (open: boolean) => void, signal: AbortSignal) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 30_000)) {
    try {
      const answer = await send(path, { headers: { Accept: 'text/event-stream' }, signal })
      onState(true)
      wait = 1000
      await readLines(answer, eventParser(onEvent))
    } catch {
      // The page shows that the stream is broken; the next round tries again.
    }
    if (signal.aborted) return
    onState(false)
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

/** upload posts a body and hands over the headers and each line of the NDJSON answer. */
export async function upload(path: string, body: Blob, onLine: (value: unknown) => void, signal: AbortSignal, onHeaders?: (h: Headers) => void) {
  const answer = await send(path, { method: 'POST', body, signal, headers: { 'Content-Type': 'application/octet-stream' } })
  onHeaders?.(answer.headers)
  await readLines(answer, (line) => {
    if (line.trim()) onLine(JSON.parse(line))
  })
}
