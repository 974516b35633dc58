// An audit or a drill in figures.
import { type EvidenceJob } from '../../api/plinth'
import { type Words } from '../../i18n'
import { whole } from '../../parts/figures'

/** seconds as people read them: "0.4 s", "3 min 20 s". */
export function duration({ t }: Pick<Words, 't'>, s: number): string {
  if (s < 60) return t('job.seconds', { n: s < 10 ? s.toFixed(1) : Math.round(s) })
  return t('job.minutes', { m: Math.floor(s / 60), s: Math.round(s % 60) })
}

/** lasted is how long an ended job took; a running one has no such time yet. */
export function lasted(w: Pick<Words, 't'>, j: EvidenceJob): string {
  if (!j.endedAt || !j.startedAt) return ''
  return duration(w, (Date.parse(j.endedAt) - Date.parse(j.startedAt)) / 1000)
}

/** portion is the part that is done, of 100; undefined while nobody knows the whole. */
export function portion(j: Pick<EvidenceJob, 'done' | 'total'>): number | undefined {
  const total = Number(j.total)
  return total > 0 ? Math.min(100, Math.round((Number(j.done) / total) * 100)) : undefined
}

/** counted is how much is done in words: "1,200 / 5,000", or what is done alone. */
export function counted(j: Pick<EvidenceJob, 'done' | 'total'>): string {
  return Number(j.total) > 0 ? `${whole(j.done)} / ${whole(j.total)}` : whole(j.done)
}
