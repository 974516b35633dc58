import { afterEach, expect, test, vi } from 'vitest'
import { address, ApiError, call, carry, failure } from './call'

afterEach(() => {
  vi.unstubAllGlobals()
  carry('', () => {})
})

test('address fills the path and puts the rest into the query', () => {
  expect(address('/v1/devices/{deviceId}/readings', '', { deviceId: 'a/b', metric: 'ph', maxPoints: 0 })).toBe('/v1/devices/a%2Fb/readings?metric=ph')
})

test('address reaches into a message and keeps a verb after the id', () => {
  expect(address('/v1/datasets/{dataset.id}', 'dataset', { dataset: { id: 'ds_1' } })).toBe('/v1/datasets/ds_1')
  expect(address('/v1/requests/{id}:answer', '*', { id: 'rq_1', approve: true })).toBe('/v1/requests/rq_1:answer')
})

test('address leaves out what is empty and repeats lists', () => {
  expect(address('/v1/x', '', { a: '', b: false, c: ['1', '2'], d: true })).toBe('/v1/x?c=1&c=2&d=true')
})

test('failure keeps the sentence, the field and the request id', async () => {
  const answer = new Response(JSON.stringify({ code: 'invalid', message: 'must say why', field: 'note', requestId: 'r1' }), { status: 400 })
  expect(await failure(answer)).toMatchObject({ status: 400, code: 'invalid', message: 'must say why', field: 'note', requestId: 'r1' })
})

test('failure makes a sentence of an answer that is not JSON', async () => {
  expect(await failure(new Response('<html>', { status: 502, statusText: 'Bad Gateway' }))).toMatchObject({ status: 502, message: 'Bad Gateway' })
})

test('a token that is no longer taken ends the session once', async () => {
  const lost = vi.fn()
  carry('old', lost)
  vi.stubGlobal('fetch', async () => new Response('{}', { status: 401 }))
  await expect(call('GET', '/v1/auth/me', '', {})).rejects.toBeInstanceOf(ApiError)
  expect(lost).toHaveBeenCalledOnce()
})

test('a refused sign-in ends no session', async () => {
  const lost = vi.fn()
  carry('', lost)
  vi.stubGlobal('fetch', async () => new Response('{}', { status: 401 }))
  await expect(call('POST', '/v1/auth/signin', '*', {})).rejects.toBeInstanceOf(ApiError)
  expect(lost).not.toHaveBeenCalled()
})

test('a write carries its key, a service that is away is told as such', async () => {
  const seen: RequestInit[] = []
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    seen.push(init)
    throw new TypeError('failed to fetch')
  })
  await expect(call('POST', '/v1/requests', 'request', { request: { reason: 'x' } }, { key: 'k' })).rejects.toMatchObject({ status: 0, code: 'unreachable' })
  expect(seen[0]?.headers).toMatchObject({ 'Idempotency-Key': 'k' })
  expect(seen[0]?.body).toBe('{"reason":"x"}')
})
