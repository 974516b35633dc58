// One call of the REST API: address, token, idempotency key, and the error as the service tells it.

/** Ask is what a caller gives of a request message: any part of it. */
export type Ask<T> = T extends (infer U)[] ? Ask<U>[] : T extends object ? { [K in keyof T]?: Ask<T[K]> } : T

export interface How {
  signal?: AbortSignal
  /** The same key on a repeated write makes it happen once. */
  key?: string
  /** A token to carry in place of the session's; such a call outlives the session. */
  token?: string
}

/** ApiError is a refusal or a failure of a call. `requestId` is what a user quotes to the operator. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field = '',
    readonly requestId = '',
    readonly details: unknown = null,
  ) {
    super(message)
  }
}

let token = ''
let onLost: () => void = () => {}
let session = new AbortController()

/** carry sets the token that calls carry, and what happens when the service no longer takes it. What was asked with the
 *  token before is given up: its answers would come to somebody else's pages, or be refused. */
export function carry(next: string, lost: () => void) {
  if (token && token !== next) {
    session.abort()
    session = new AbortController()
  }
  token = next
  onLost = lost
}

export function authorization(own = token): Record<string, string> {
  return own ? { Authorization: `Bearer ${own}` } : {}
}

/** ends joins a caller's signal with the session's. */
function ends(signal: AbortSignal | null | undefined): AbortSignal {
  return signal ? AbortSignal.any([signal, session.signal]) : session.signal
}

/** newKey is random without needing a secure context, where randomUUID does not exist. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
}

type Fields = Record<string, unknown>

function take(fields: Fields, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Fields | undefined)?.[name], fields)
}

function appendQuery(query: URLSearchParams, name: string, value: unknown) {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return
  if (Array.isArray(value)) value.forEach((v) => appendQuery(query, name, v))
  else query.append(name, String(value))
}

/** address fills a path template of google.api.http; what the path and the body do not hold becomes the query. */
export function address(template: string, body: string, ask: Fields): string {
  const used = new Set<string>()
  const path = template.replace(/\{([\w.]+)\}/g, (_, name: string) => {
    used.add(name.split('.')[0] ?? name)
    return encodeURIComponent(String(take(ask, name) ?? ''))
  })
  if (body === '*') return path
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(ask)) {
    if (name !== body && !used.has(name)) appendQuery(query, name, value)
  }
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

const text = (v: unknown) => (typeof v === 'string' || typeof v === 'number' ? String(v) : '')

/** failure reads an error answer; one that is not JSON still becomes a sentence. */
export async function failure(answer: Response): Promise<ApiError> {
  const requestId = answer.headers.get('X-Request-Id') ?? ''
  try {
    const body = (await answer.json()) as Fields
    return new ApiError(answer.status, text(body.code), text(body.message), text(body.field), text(body.requestId) || requestId, body)
  } catch {
    return new ApiError(answer.status, '', answer.statusText || `HTTP ${answer.status}`, '', requestId)
  }
}

/** send is fetch with the session's token or an own one; a session's token that is no longer taken ends the session. */
export async function send(path: string, init: RequestInit = {}, own?: string): Promise<Response> {
  const carried = token
  const signal = own ? (init.signal ?? null) : ends(init.signal)
  let answer: Response
  try {
    answer = await fetch(path, { ...init, signal, headers: { ...authorization(own), ...init.headers } })
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new ApiError(0, 'unreachable', '', '', '', cause)
  }
  if (answer.ok) return answer
  const error = await failure(answer)
  if (error.status === 401 && !own && carried && carried === token) onLost()
  throw error
}

export async function call<T>(verb: string, template: string, body: string, ask: object, how: How = {}): Promise<T> {
  const fields = ask as Fields
  const init: RequestInit = { method: verb, signal: how.signal ?? null }
  if (verb !== 'GET') {
    init.body = JSON.stringify(body === '*' ? fields : (fields[body] ?? {}))
    init.headers = { 'Content-Type': 'application/json', 'Idempotency-Key': how.key ?? newKey() }
  }
  const answer = await send(address(template, body, fields), init, how.token)
  return (await answer.json()) as T
}
