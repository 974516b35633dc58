// What a pipeline's figures mean to the eye.
import { type Pipeline } from '../../api/plinth'
import { type Words } from '../../i18n'

const order = ['failing', 'behind', 'paused', 'ok', 'idle', 'never']

/** worstFirst puts what needs someone above what flows. */
export function worstFirst<P extends Pick<Pipeline, 'id'> & { figures?: { health: string } | null | undefined }>(pipelines: P[]): P[] {
  const place = (p: P) => (order.indexOf(p.figures?.health ?? '') + order.length + 1) % (order.length + 1)
  return pipelines.toSorted((a, b) => place(a) - place(b) || a.id.localeCompare(b.id))
}

/** lagWord is a lag in the unit that a person reads. */
export function lagWord(ms: number, t: Words['t']): string {
  if (ms < 1000) return t('lag.ms', { n: Math.max(0, Math.round(ms)) })
  if (ms < 120_000) return t('lag.s', { n: (ms / 1000).toFixed(1) })
  if (ms < 7_200_000) return t('lag.min', { n: Math.round(ms / 60_000) })
  return t('lag.h', { n: Math.round(ms / 3_600_000) })
}
