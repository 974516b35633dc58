import { useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import { type Loaded, useLoad } from './load'

/** PageOf is one page of a list, as pages of the API look when named alike. */
export interface PageOf<T> {
  rows: T[]
  next: string
  total?: number | string | undefined
}

export interface Paged<T> extends Loaded<PageOf<T>> {
  page: number
  forward: (() => void) | undefined
  back: (() => void) | undefined
}

/** usePaged walks a list by its page tokens. Another key starts at the first page again. */
export function usePaged<T>(key: string, fetchPage: (token: string, signal: AbortSignal) => Promise<PageOf<T>>): Paged<T> {
  const [walk, setWalk] = useState({ key, tokens: [''] })
  const tokens = walk.key === key ? walk.tokens : ['']
  const token = tokens.at(-1) ?? ''
  const loaded = useLoad(`${key}#${token}`, (signal) => fetchPage(token, signal), true)
  const next = loaded.data?.next
  return {
    ...loaded,
    page: tokens.length,
    forward: next && !loaded.loading ? () => setWalk({ key, tokens: [...tokens, next] }) : undefined,
    back: tokens.length > 1 ? () => setWalk({ key, tokens: tokens.slice(0, -1) }) : undefined,
  }
}

export type Filters<K extends string> = Record<K, string>

/** readFilters takes the named filters from an address; absent ones are empty. */
export function readFilters<K extends string>(params: URLSearchParams, names: readonly K[]): Filters<K> {
  return Object.fromEntries(names.map((n) => [n, params.get(n) ?? ''])) as Filters<K>
}

/** writeFilters puts changes into an address and leaves out what is empty. */
export function writeFilters(params: URLSearchParams, changes: Record<string, string>): URLSearchParams {
  const next = new URLSearchParams(params)
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value)
    else next.delete(name)
  }
  return next
}

/** useFilters keeps a list's filters in the address, so that it can be sent to a colleague. */
export function useFilters<K extends string>(names: readonly K[]) {
  const [params, setParams] = useSearchParams()
  const filters = useMemo(() => readFilters(params, names), [params, names])
  const change = (changes: Partial<Filters<K>>) =>
    setParams((p) => writeFilters(p, changes as Record<string, string>), { replace: true })
  return { filters, change, key: JSON.stringify(filters) }
}
