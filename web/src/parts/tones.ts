// The colour that goes with a word. A state is always the word; the colour only helps the eye.

export type Tone = 'ok' | 'wait' | 'late' | 'warn' | 'plain'

const tones: Record<string, Tone> = {
  // registrations and datasets
  draft: 'plain', submitted: 'wait', returned: 'warn', accepted: 'wait', in_review: 'wait', public_notice: 'wait',
  registered: 'ok', rejected: 'late', expired: 'late',
  // evidence
  pending: 'wait', sealed: 'wait', anchored: 'ok', waiting: 'wait', put: 'ok',
  // requests, grants and decisions
  with_provider: 'wait', approved: 'ok', refused: 'late', active: 'ok', revoked: 'late', blocked: 'late',
  permit: 'ok', deny: 'late',
  // openness and timeliness
  unconditional: 'ok', conditional: 'warn', closed: 'plain', on_time: 'ok', late: 'late', unknown: 'plain',
  // grades
  general: 'plain', important: 'warn', core: 'late',
  // devices, runs, alerts, consumers, incidents
  online: 'ok', offline: 'late', never: 'plain', running: 'wait', done: 'ok', failed: 'late', cancelled: 'warn', interrupted: 'warn',
  new: 'late', triaged: 'warn', contained: 'wait', resolved: 'ok',
  low: 'ok', medium: 'wait', high: 'warn', critical: 'late', open: 'wait',
  ready: 'ok', down: 'late',
  // pipelines and dead letters
  ok: 'ok', idle: 'plain', behind: 'warn', failing: 'late', paused: 'warn', replayed: 'ok', dropped: 'plain', applied: 'ok',
  // vital signs
  normal: 'ok', current: 'ok', no_source: 'plain',
  // stages of a device’s life, grades and states of alarms
  planned: 'wait', maintenance: 'warn', retired: 'plain', inForce: 'ok', coming: 'wait', over: 'plain',
  none: 'plain', notice: 'wait', warning: 'warn', urgent: 'late', acknowledged: 'wait', handled: 'ok', withdrawn: 'plain',
}

export function toneOf(value: string): Tone {
  return tones[value] ?? 'plain'
}
