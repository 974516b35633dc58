// The compass of the vital signs: a ring of wedges.
export const vitalGrades = ['urgent', 'warning', 'notice', 'normal', 'unknown'] as const
export const gradeFills: Record<string, string> = { urgent: '#d9485f', warning: '#f0a04b', notice: '#8db9e8', normal: '#a9d5b5', unknown: '#e4e8ec' }

/** wedge is the path of part n of a ring cut in `of` equal parts, the first at the top, clockwise. */
export function wedge(n: number, of: number, inner: number, outer: number): string {
  const at = (turn: number, radius: number) => `${(radius * Math.sin(turn)).toFixed(2)},${(-radius * Math.cos(turn)).toFixed(2)}`
  // A single part would end where it begins and draw nothing.
  const from = (2 * Math.PI * n) / of
  const to = of === 1 ? from + 2 * Math.PI - 0.001 : (2 * Math.PI * (n + 1)) / of
  const large = to - from > Math.PI ? 1 : 0
  return `M${at(from, inner)}L${at(from, outer)}A${outer},${outer} 0 ${large} 1 ${at(to, outer)}L${at(to, inner)}A${inner},${inner} 0 ${large} 0 ${at(from, inner)}Z`
}
