import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { type Condition, type Field } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useOptions } from '../../parts/table'
import { type AskForm, operatorsFor, valueFault } from './ask-form'

/** Conditions builds the row filter: all of its lines must hold. */
export function Conditions({ fields }: { fields: Field[] }) {
  const { t } = useWords()
  return (
    <Form.List
      name="filter"
      rules={[{ validator: (_, all?: unknown[]) => (all?.length ? Promise.resolve() : Promise.reject(new Error(t('ask.filterNone')))) }]}
    >
      {(lines, { add, remove }, { errors }) => (
        <>
          {lines.map(({ key, name }) => (
            <Line key={key} at={name} fields={fields} remove={() => remove(name)} />
          ))}
          <Form.ErrorList errors={errors} />
          <Button size="small" style={{ marginBottom: 12 }} onClick={() => add({ column: '', op: 'eq', values: '' })}>
            {t('ask.addCondition')}
          </Button>
        </>
      )}
    </Form.List>
  )
}

function Line({ at, fields, remove }: { at: number; fields: Field[]; remove: () => void }) {
  const { t, text } = useWords()
  const line = Form.useWatch<AskForm['filter'][number] | undefined>(['filter', at])
  const form = Form.useFormInstance()
  const type = fields.find((f) => f.name === line?.column)?.type ?? 'string'
  const operators = useOptions('op', operatorsFor(type))
  const many = line?.op === 'in'
  // Another operator may want another shape of value: one text, or several.
  const onOp = (op: string) => {
    if ((op === 'in') !== many) form.setFieldValue(['filter', at, 'values'], op === 'in' ? [] : '')
  }
  const check = (_: unknown, v: string | string[] | undefined) => {
    const values = (Array.isArray(v) ? v : [v ?? '']).filter((x) => x !== '')
    if (values.length === 0) return Promise.reject(new Error(t('form.required')))
    const fault = values.map((x) => valueFault(type, x)).find((x) => x !== null)
    return fault ? Promise.reject(new Error(t(fault))) : Promise.resolve()
  }
  return (
    <div className="inline">
      <Form.Item name={[at, 'column']} label={t('ask.column')} rules={[{ required: true, message: t('form.required') }]}>
        <Select style={{ width: 180 }} options={fields.map((f) => ({ value: f.name, label: `${f.name} ${text(f.title)}` }))} popupMatchSelectWidth={false} />
      </Form.Item>
      <Form.Item name={[at, 'op']} label={t('ask.op')}>
        <Select style={{ width: 120 }} options={operators} onChange={onOp} />
      </Form.Item>
      <Form.Item name={[at, 'values']} label={t('ask.value')} rules={[{ validator: check }]} extra={many ? t('ask.valuesHelp') : undefined}>
        {many ? <Select mode="tags" open={false} suffixIcon={null} style={{ width: 220 }} tokenSeparators={[',', '，']} /> : <Input style={{ width: 180 }} />}
      </Form.Item>
      <Button style={{ marginTop: 28 }} onClick={remove} aria-label={t('ask.removeCondition', { n: at + 1 })}>
        {t('ask.remove')}
      </Button>
    </div>
  )
}

/** Filter shows a row filter in words. */
export function Filter({ all, conditions }: { all: boolean; conditions: Condition[] | undefined }) {
  const { t, word } = useWords()
  if (all) return <>{t('ask.rowsAll')}</>
  return (
    <ul style={{ margin: 0, paddingLeft: 18 }}>
      {(conditions ?? []).map((c) => (
        <li key={`${c.column} ${c.op} ${c.values.join()}`}>
          <code>{c.column}</code> {word('op', c.op)} <b>{c.values.join(t('list.comma'))}</b>
        </li>
      ))}
    </ul>
  )
}

/** Columns shows column names, each with its mask when it has one. */
export function Columns({ of, masks }: { of: string[] | undefined; masks?: Record<string, string> }) {
  const { word } = useWords()
  return (
    <ul className="words">
      {(of ?? []).map((c) => (
        <li key={c}>
          <code>{c}</code>
          {masks?.[c] && <span className="tone warn">{word('mask', masks[c])}</span>}
        </li>
      ))}
    </ul>
  )
}
