// An audit's report as plinth-verify writes it with --json.

export interface AuditReport {
  word: string
  proven: boolean
  fault?: { stage: string; object: string; reason: string }
  stages: { stage: string; count: number; seconds: number }[]
  notChecked: { what: string; count: number }[]
}

type Fields = Record<string, unknown>
const rows = (v: unknown): Fields[] => (Array.isArray(v) ? (v as Fields[]) : [])
const text = (v: unknown) => (typeof v === 'string' ? v : '')
const number = (v: unknown) => (typeof v === 'number' ? v : 0)

/** readAudit takes what the page shows out of a report; only the words that mean "proven" count as proven. */
export function readAudit(report: Fields): AuditReport {
  const f = report.fault as Fields | undefined
  return {
    word: text(report.word),
    proven: report.word === 'record-proven' || report.word === 'record-and-data-proven',
    stages: rows(report.stages).map((s) => ({ stage: text(s.stage), count: number(s.count), seconds: number(s.seconds) })),
    notChecked: rows(report.notChecked).map((s) => ({ what: text(s.what), count: number(s.count) })),
    ...(f ? { fault: { stage: text(f.stage), object: text(f.object), reason: text(f.reason) } } : {}),
  }
}

export interface DrillRound {
  kind: string
  where: string
  found: boolean
  right: boolean
  object: string
  reason: string
}

/** A drill's result as plinth tells it with --json. */
export interface DrillReport {
  rounds: DrillRound[]
  found: number
  right: number
  clean: number
  falseAlarms: number
}

export function readDrill(report: Fields): DrillReport {
  return {
    rounds: rows(report.rounds).map((r) => ({ kind: text(r.kind), where: text(r.where), found: r.found === true, right: r.right === true, object: text(r.object), reason: text(r.reason) })),
    found: number(report.found),
    right: number(report.right),
    clean: number(report.clean),
    falseAlarms: number(report.falseAlarms),
  }
}
