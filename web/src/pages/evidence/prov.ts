// A provenance graph out of PROV-JSON (W3C), as the service writes it.

export interface ProvNode {
  id: string
  kind: string
  label: string
}
export interface ProvEdge {
  relation: string
  from: string
  to: string
  record: string
  code: string
}
export interface ProvGraph {
  nodes: ProvNode[]
  edges: ProvEdge[]
}

type Fields = Record<string, unknown>
type Document = Record<string, Record<string, Fields>>

/** The names of each relation's ends in PROV-JSON. */
const ends: Record<string, [from: string, to: string]> = {
  wasGeneratedBy: ['prov:entity', 'prov:activity'],
  used: ['prov:activity', 'prov:entity'],
  wasDerivedFrom: ['prov:generatedEntity', 'prov:usedEntity'],
  wasAttributedTo: ['prov:entity', 'prov:agent'],
  wasAssociatedWith: ['prov:activity', 'prov:agent'],
  actedOnBehalfOf: ['prov:delegate', 'prov:responsible'],
  wasInvalidatedBy: ['prov:entity', 'prov:activity'],
  specializationOf: ['prov:specificEntity', 'prov:generalEntity'],
}

const text = (v: unknown) => (typeof v === 'string' ? v : '')

export function readProv(json: string): ProvGraph {
  const doc = JSON.parse(json) as Document
  const nodes = ['entity', 'activity', 'agent'].flatMap((kind) =>
    Object.entries(doc[kind] ?? {}).map(([id, a]) => ({ id, kind, label: text(a['prov:label']) || id })),
  )
  const edges = Object.entries(ends).flatMap(([relation, [from, to]]) =>
    Object.values(doc[relation] ?? {}).map((a) => ({ relation, from: text(a[from]), to: text(a[to]), record: text(a['plinth:record']), code: text(a['plinth:receipt']) })),
  )
  return { nodes, edges }
}
