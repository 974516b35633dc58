// Five steps of one colour, light to dark, for counts on a map.

const steps = ['#f3f5f7', '#d5e5f5', '#9fc3e8', '#5b95cf', '#1d5a9e']

function stepOf(count: number, most: number): number {
  return count <= 0 ? 0 : Math.min(4, Math.max(1, Math.ceil((count / most) * 4)))
}

export function heat(count: number, most: number): string {
  return steps[stepOf(count, most)] ?? '#f3f5f7'
}

/** heatWords is the legend: the counts that each colour stands for. */
export function heatWords(most: number): { colour: string; from: number; to: number }[] {
  const out = steps.map((colour) => ({ colour, from: Infinity, to: -Infinity }))
  for (let n = 0; n <= Math.min(most, 10_000); n++) {
    const s = out[stepOf(n, most)]
    if (s) {
      s.from = Math.min(s.from, n)
      s.to = Math.max(s.to, n)
    }
  }
  return out.filter((s) => s.from !== Infinity)
}
