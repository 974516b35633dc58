const pages: Record<string, string> = { dataset: 'datasets', registration: 'registrations', request: 'requests', grant: 'grants', decision: 'decisions', device: 'devices', alert: 'alerts' }

/** subjectPath is the page of the object that a record is about, where the console has one. */
export function subjectPath(subject: string): string | null {
  const [kind, id] = subject.split(/:(.*)/s)
  const page = pages[kind ?? '']
  return page && id ? `/${page}/${encodeURIComponent(id)}` : null
}

/** casePath is the page of a procedure's evidence. */
export const casePath = (id: string) => `/evidence/cases/${encodeURIComponent(id)}`
