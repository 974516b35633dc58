// The request form's values and their way to the API.
import { type Ask } from '../../api/call'
import { type Condition, type Field, type Request } from '../../api/plinth'
import { daysFrom, endOfDay, startOfDay } from '../../parts/time'

export interface ConditionForm {
  column: string
  op: string
  values: string | string[]
}
export interface AskForm {
  columns: string[]
  rows: 'some' | 'all'
  filter: ConditionForm[]
  purpose: string
  reason: string
  from: string
  to: string
}

/** operators that make sense for a column's type: an order for numbers and times, a beginning for text. */
export function operatorsFor(type: string): string[] {
  switch (type) {
    case 'integer':
    case 'decimal':
    case 'date':
    case 'datetime':
      return ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in']
    case 'boolean':
      return ['eq', 'ne']
    default:
      return ['eq', 'ne', 'in', 'startswith']
  }
}

/** firstAsk offers what is least: no personal columns, half a year. */
export function firstAsk(fields: Field[], now: Date): AskForm {
  return {
    columns: fields.filter((f) => f.sensitivity === 'none' || f.sensitivity === '').map((f) => f.name),
    rows: 'some',
    filter: [{ column: '', op: 'eq', values: '' }],
    purpose: '',
    reason: '',
    from: daysFrom(now, 0),
    to: daysFrom(now, 180),
  }
}

function asCondition(c: ConditionForm): Condition {
  const values = Array.isArray(c.values) ? c.values : [c.values]
  return { column: c.column, op: c.op, values: values.map((v) => v.trim()).filter(Boolean) }
}

export function asRequest(datasetId: string, v: AskForm): Ask<Request> {
  return {
    datasetId,
    columns: v.columns,
    allRows: v.rows === 'all',
    filter: v.rows === 'all' ? [] : (v.filter ?? []).map(asCondition),
    purpose: v.purpose,
    reason: v.reason.trim(),
    notBefore: startOfDay(v.from),
    notAfter: endOfDay(v.to),
  }
}

/** valueFault tells what is wrong with a value for a column's type, as the key of a phrase; null when it is fine. */
export function valueFault(type: string, value: string): 'ask.notInteger' | 'ask.notNumber' | 'ask.notDate' | 'ask.notBoolean' | null {
  switch (type) {
    case 'integer':
      return /^[+-]?\d+$/.test(value) ? null : 'ask.notInteger'
    case 'decimal':
      return value.trim() !== '' && Number.isFinite(Number(value)) ? null : 'ask.notNumber'
    case 'date':
    case 'datetime':
      return Number.isNaN(Date.parse(value)) ? 'ask.notDate' : null
    case 'boolean':
      return value === 'true' || value === 'false' ? null : 'ask.notBoolean'
    default:
      return null
  }
}
