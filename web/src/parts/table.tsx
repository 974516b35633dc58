import Button from 'antd/es/button'
import Checkbox from 'antd/es/checkbox'
import { type ReactNode, useMemo, useState } from 'react'
import { useWords } from '../i18n'
import { csv, save, whole } from './figures'
import { type Loaded } from './load'
import { type Paged } from './paged'
import { Failure, Loading } from './states'

export interface Column<T> {
  key: string
  title: string
  cell: (row: T) => ReactNode
  /** The cell as text: for the export, and for sorting where the whole list is loaded. */
  text: (row: T) => string
  number?: boolean
  /** Holds sentences: it is not squeezed. */
  wide?: boolean
  /** Shown only when the user chooses it. */
  optional?: boolean
}

interface Props<T> {
  /** Names the table: for its saved columns and its exported file. */
  name: string
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T, n: number) => string
  /** What belongs here and how to get it here. */
  empty: ReactNode
  /** Sorting is honest only when every row is here. */
  sortable?: boolean
}

const stored = (name: string) => `plinth.table.${name}`

interface Choice {
  hidden: string[]
  dense: boolean
}

function firstChoice<T>(name: string, columns: Column<T>[]): Choice {
  try {
    const kept = JSON.parse(localStorage.getItem(stored(name)) ?? 'null') as Choice | null
    if (kept && Array.isArray(kept.hidden)) return kept
  } catch {
    // A broken setting is as good as none.
  }
  return { hidden: columns.filter((c) => c.optional).map((c) => c.key), dense: false }
}

function useChoice<T>(name: string, columns: Column<T>[]) {
  const [choice, setChoice] = useState(() => firstChoice(name, columns))
  const change = (next: Choice) => {
    setChoice(next)
    localStorage.setItem(stored(name), JSON.stringify(next))
  }
  return [choice, change] as const
}

interface Order {
  key: string
  down: boolean
}

/** sortRows orders by a column's text, numbers by value; equal rows keep their order. */
export function sortRows<T>(rows: T[], column: Column<T> | undefined, down: boolean): T[] {
  if (!column) return rows
  const compare = column.number
    ? (a: T, b: T) => Number(column.text(a)) - Number(column.text(b))
    : (a: T, b: T) => column.text(a).localeCompare(column.text(b), 'zh-CN')
  return rows.toSorted(down ? (a, b) => compare(b, a) : compare)
}

/** Table shows rows; columns can be chosen, its lines set closer, its rows exported. On a phone each row is a card. */
export function Table<T>(props: Props<T> & { tools?: ReactNode }) {
  const { name, label, columns, rows, rowKey, empty, sortable, tools } = props
  const [choice, setChoice] = useChoice(name, columns)
  const [order, setOrder] = useState<Order | null>(null)
  const shown = columns.filter((c) => !choice.hidden.includes(c.key))
  const sorted = useMemo(() => sortRows(rows, columns.find((c) => c.key === order?.key), order?.down ?? false), [rows, columns, order])
  const sort = sortable ? (key: string) => setOrder((o) => ({ key, down: o?.key === key && !o.down })) : undefined
  return (
    <>
      <div className="scroll" tabIndex={0} role="region" aria-label={label}>
        <table className={choice.dense ? 'grid cards dense' : 'grid cards'} role="table">
          <Heads columns={shown} order={order} sort={sort} />
          <tbody>
            {sorted.map((row, n) => (
              <tr key={rowKey(row, n)} role="row">
                {shown.map((c) => (
                  <td key={c.key} role="cell" data-label={c.title} className={c.number ? 'number' : c.wide ? 'wide' : undefined}>
                    {c.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td className="empty" colSpan={shown.length}>
                  {empty}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      <div className="table-tools">
        {tools}
        <span className="grow" />
        <Tools {...props} choice={choice} setChoice={setChoice} shown={shown} sorted={sorted} />
      </div>
    </>
  )
}

function Heads<T>({ columns, order, sort }: { columns: Column<T>[]; order: Order | null; sort: ((key: string) => void) | undefined }) {
  return (
    <thead>
      <tr>
        {columns.map((c) => {
          const sorted = order?.key === c.key ? (order.down ? 'descending' : 'ascending') : undefined
          return (
            <th key={c.key} scope="col" className={c.number ? 'number' : undefined} aria-sort={sorted}>
              {sort ? (
                <button type="button" onClick={() => sort(c.key)}>
                  {c.title} {sorted === 'ascending' ? '↑' : sorted === 'descending' ? '↓' : ''}
                </button>
              ) : (
                c.title
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

function Tools<T>(props: Props<T> & { choice: Choice; setChoice: (c: Choice) => void; shown: Column<T>[]; sorted: T[] }) {
  const { name, columns, choice, setChoice, shown, sorted } = props
  const { t } = useWords()
  const [choosing, setChoosing] = useState(false)
  const toggle = (key: string, on: boolean) =>
    setChoice({ ...choice, hidden: on ? choice.hidden.filter((k) => k !== key) : [...choice.hidden, key] })
  const write = () =>
    save(`${name}.csv`, 'text/csv;charset=utf-8', csv([shown.map((c) => c.title), ...sorted.map((r) => shown.map((c) => c.text(r)))]))
  return (
    <>
      {choosing && (
        <fieldset className="inline" style={{ border: 0, padding: 0, margin: 0 }}>
          <legend className="hidden">{t('table.columns')}</legend>
          {columns.map((c) => (
            <Checkbox key={c.key} checked={!choice.hidden.includes(c.key)} onChange={(e) => toggle(c.key, e.target.checked)}>
              {c.title}
            </Checkbox>
          ))}
          <Checkbox checked={choice.dense} onChange={(e) => setChoice({ ...choice, dense: e.target.checked })}>
            {t('table.dense')}
          </Checkbox>
        </fieldset>
      )}
      <Button size="small" aria-expanded={choosing} onClick={() => setChoosing(!choosing)}>
        {t('table.columns')}
      </Button>
      <Button size="small" disabled={sorted.length === 0} onClick={write}>
        {t('table.export')}
      </Button>
    </>
  )
}

/** PagedTable is a table over a list that the service cuts into pages. */
export function PagedTable<T>({ of, ...props }: Omit<Props<T>, 'rows' | 'sortable'> & { of: Paged<T> }) {
  const { t } = useWords()
  if (!of.data) return of.error ? <Failure error={of.error} retry={of.reload} /> : <Loading />
  const total = of.data.total === undefined ? undefined : whole(of.data.total)
  return (
    <div aria-busy={of.loading}>
      <Failure error={of.error} retry={of.reload} />
      <Table
        {...props}
        rows={of.data.rows}
        tools={
          <>
            <Button size="small" disabled={!of.back} onClick={of.back}>
              {t('table.back')}
            </Button>
            <span className="quiet">
              {t('table.page', { page: of.page })}
              {total !== undefined && ` · ${t('table.total', { total })}`}
            </span>
            <Button size="small" disabled={!of.forward} onClick={of.forward}>
              {t('table.forward')}
            </Button>
          </>
        }
      />
    </div>
  )
}

/** LoadedTable is a table over a list that comes whole. */
export function LoadedTable<T>({ of, ...props }: Omit<Props<T>, 'rows'> & { of: Loaded<T[]> }) {
  if (!of.data) return of.error ? <Failure error={of.error} retry={of.reload} /> : <Loading />
  return (
    <>
      <Failure error={of.error} retry={of.reload} />
      <Table {...props} rows={of.data} sortable />
    </>
  )
}

/** options makes choices of a family of words. */
export function useOptions(family: string, values: readonly string[]): { value: string; label: string }[] {
  const { word } = useWords()
  return values.map((value) => ({ value, label: word(family, value) }))
}

