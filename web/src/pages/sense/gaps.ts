/** untilNow leaves out what is still to come, and the window that is not sealed yet. */
export function untilNow<G extends { from: string | null | undefined; to: string | null | undefined }>(gaps: G[], now: number, segmentS: number): G[] {
  const open = (2 * (segmentS || 60) + 60) * 1000
  return gaps
    .filter((g) => Date.parse(g.from ?? '') < (Date.parse(g.to ?? '') > now ? now - open : now))
    .map((g) => (Date.parse(g.to ?? '') > now ? { ...g, to: new Date(now).toISOString() } : g))
}
