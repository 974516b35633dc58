import Select from 'antd/es/select'
import Tabs from 'antd/es/tabs'
import { lazy, Suspense, useState } from 'react'
import { type RunQueryResponse } from '../../api/plinth'
import { useWords } from '../../i18n'
import { whole } from '../../parts/figures'
import { Sheet } from '../../parts/page'
import { Loading } from '../../parts/states'
import { type Column, Table } from '../../parts/table'

const Chart = lazy(() => import('../../parts/chart'))

/** textOf is a value of a result as text; lists and maps are written as JSON. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export const isNumber = (type: string) => /^(Nullable\(|LowCardinality\()*(U?Int|Float|Decimal)/.test(type)

export function Result({ of }: { of: RunQueryResponse }) {
  const { t } = useWords()
  const columns = (of.columns ?? []).map(
    (c, n): Column<unknown[]> => ({
      key: `${n} ${c.name}`,
      title: c.name,
      number: isNumber(c.type),
      cell: (row) => (row[n] === null ? <span className="quiet">NULL</span> : textOf(row[n])),
      text: (row) => textOf(row[n]),
    }),
  )
  const rows = (of.rows ?? []) as unknown[][]
  return (
    <Sheet
      title={t('result.title')}
      extra={
        <span className="quiet">
          {t('result.rows', { n: whole(rows.length), ms: whole(of.tookMs) })}
          {of.truncated && ` · ${t('result.truncated')}`}
        </span>
      }
    >
      <Tabs
        items={[
          {
            key: 'table',
            label: t('result.table'),
            children: <Table name="query-result" label={t('result.title')} columns={columns} rows={rows} rowKey={(_, n) => String(n)} empty={t('result.empty')} sortable />,
          },
          { key: 'chart', label: t('result.chart'), children: <ResultChart of={of} rows={rows} /> },
        ]}
      />
    </Sheet>
  )
}

/** ResultChart draws one column against another. */
function ResultChart({ of, rows }: { of: RunQueryResponse; rows: unknown[][] }) {
  const { t } = useWords()
  const names = (of.columns ?? []).map((c, n) => ({ value: n, label: c.name }))
  const numbers = names.filter((_, n) => isNumber(of.columns?.[n]?.type ?? ''))
  const [x, setX] = useState(() => names.find((n) => !numbers.includes(n))?.value ?? 0)
  const [y, setY] = useState(() => numbers.find((n) => n.value !== 0)?.value ?? numbers[0]?.value)
  const [kind, setKind] = useState<'bar' | 'line'>('bar')
  if (y === undefined || rows.length === 0) return <p className="quiet">{t('result.noNumbers')}</p>
  const title = `${names[y]?.label ?? ''} / ${names[x]?.label ?? ''}`
  return (
    <>
      <div className="filters">
        <label htmlFor="chart-x">
          {t('result.across')}
          <Select id="chart-x" aria-label={t('result.across')} style={{ width: 180 }} value={x} options={names} onChange={setX} />
        </label>
        <label htmlFor="chart-y">
          {t('result.up')}
          <Select id="chart-y" aria-label={t('result.up')} style={{ width: 180 }} value={y} options={numbers} onChange={setY} />
        </label>
        <label htmlFor="chart-kind">
          {t('result.kind')}
          <Select
            id="chart-kind"
            aria-label={t('result.kind')}
            style={{ width: 120 }}
            value={kind}
            options={[
              { value: 'bar', label: t('result.bar') },
              { value: 'line', label: t('result.line') },
            ]}
            onChange={setKind}
          />
        </label>
      </div>
      <Suspense fallback={<Loading />}>
        <Chart
          label={title}
          option={{
            tooltip: { trigger: 'axis' },
            grid: { left: 12, right: 16, top: 16, bottom: 8, containLabel: true },
            xAxis: { type: 'category', data: rows.map((r) => textOf(r[x])) },
            yAxis: { type: 'value' },
            series: [{ type: kind, name: names[y]?.label ?? '', data: rows.map((r) => Number(r[y])) }],
          }}
        />
      </Suspense>
    </>
  )
}
