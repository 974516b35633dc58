// What the service tells of an import of devices, line by line, put together.

export interface Fault {
  row: number
  id?: string
  field: string
  rule: string
}
export interface Credential {
  id: string
  secret: string
}
export interface Counts {
  rows: number
  registered: number
  known: number
  /** Of the known, those that get another secret in place of the one that never arrived. */
  renewed: number
  refused: number
}
export interface Told {
  faults: Fault[]
  credentials: Credential[]
  progress: (Counts & { lines: number }) | null
  /** Absent until the answer is complete. */
  counts: Counts | null
  error: string
}

export const nothingTold = (): Told => ({ faults: [], credentials: [], progress: null, counts: null, error: '' })

type Line = Partial<{ fault: Fault; credential: Credential; progress: Counts & { lines: number }; counts: Counts; error: string }>

/** take adds one line of the answer to what was told before it: a file may have 100,000 of them, so nothing is copied. */
export function take(told: Told, line: unknown) {
  const { fault, credential, progress, counts, error } = line as Line
  if (fault) told.faults.push(fault)
  if (credential) told.credentials.push(credential)
  if (progress) told.progress = progress
  if (counts) told.counts = counts
  if (error) told.error = error
}

/** credentialFile is what the import by command line writes, too: an id and its secret a line. */
export function credentialFile(all: Credential[]): string {
  return ['id,secret', ...all.map((c) => `${c.id},${c.secret}`)].join('\r\n') + '\r\n'
}

/** A file of devices with nothing but an example row, in the order in which people fill it in. */
export const deviceColumns = [
  ['id', 'lift-0042'], ['kind', 'lift'], ['owner', 'housing'], ['name_zh', '曹杨一村 3 号楼 1 号梯'], ['name_en', ''], ['street', 'caoyang'], ['grid', 'caoyang-03'],
  ['site', '梅岭北路 110 弄'], ['system', 'wgs84'], ['x', '121.3954'], ['y', '31.2391'], ['interval_s', '10'], ['segment_s', ''], ['life', 'active'], ['codec', 'json'],
  ['maker', ''], ['model', ''], ['installed', '2026-03-01'], ['calibrated', ''], ['calibration_due', ''], ['twins', ''], ['attrs', 'rated_speed=1.75;inspection_due=2026-12-31'], ['metrics', ''],
] as const
