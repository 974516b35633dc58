// The dataset form's values and their way to and from the API.
import { type Ask } from '../../api/call'
import { type Dataset, type Field } from '../../api/plinth'

export interface FieldForm {
  name: string
  title: { zh: string; en: string }
  type: string
  grade: string
  sensitivity: string
  description: string
  standard: string
}
export interface DatasetForm {
  title: { zh: string; en: string }
  description: { zh: string; en: string }
  publisher: string
  theme: string
  keywords: string[]
  grade: string
  openness: string
  opennessReason: string
  frequency: string
  table: string
  fields: FieldForm[]
}

export const blankField: FieldForm = {
  name: '', title: { zh: '', en: '' }, type: 'string', grade: 'general', sensitivity: 'none', description: '', standard: '',
}
export const blank: DatasetForm = {
  title: { zh: '', en: '' }, description: { zh: '', en: '' }, publisher: '', theme: 'city-operation', keywords: [], grade: 'general',
  openness: 'unconditional', opennessReason: '', frequency: 'daily', table: '', fields: [blankField],
}

const both = (v: { zh: string; en: string } | null | undefined) => ({ zh: v?.zh ?? '', en: v?.en ?? '' })

function fieldForm(f: Field): FieldForm {
  const { name, type, grade, sensitivity, description, standard } = f
  return { name, type, grade, sensitivity, description, standard, title: both(f.title) }
}

export function asForm(d: Dataset): DatasetForm {
  const { publisher, theme, grade, openness, opennessReason, frequency, table } = d
  return {
    publisher, theme, grade, openness, opennessReason, frequency, table,
    title: both(d.title), description: both(d.description), keywords: d.keywords ?? [], fields: (d.fields ?? []).map(fieldForm),
  }
}

/** asDataset trims what was typed and leaves out a reason that does not apply. */
export function asDataset(v: DatasetForm): Ask<Dataset> {
  const trim = (s: string | undefined) => (s ?? '').trim()
  const two = (x: { zh: string; en: string } | undefined) => ({ zh: trim(x?.zh), en: trim(x?.en) })
  return {
    ...v,
    title: two(v.title),
    description: two(v.description),
    opennessReason: v.openness === 'unconditional' ? '' : trim(v.opennessReason),
    table: trim(v.table),
    keywords: v.keywords.map(trim).filter(Boolean),
    fields: v.fields.map((f) => ({ ...f, name: trim(f.name), title: two(f.title), description: trim(f.description), standard: trim(f.standard) })),
  }
}

/** formPath turns a field as the service names it ("dataset.fields[2].name", "openness_reason") into the form's; null when it has none. */
export function formPath(field: string): (string | number)[] | null {
  const parts = field
    .replace(/^dataset\./, '')
    .replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())
    .split(/[.[\]]+/)
    .filter(Boolean)
    .map((p) => (/^\d+$/.test(p) ? Number(p) : p))
  return parts.length && String(parts[0]) in blank ? parts : null
}
