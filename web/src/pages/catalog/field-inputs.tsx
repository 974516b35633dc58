import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { useWords } from '../../i18n'
import { useOptions } from '../../parts/table'
import { blankField, type FieldForm } from './form'
import { fieldTypes, grades, sensitivities } from './words'

const columnName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** FieldInputs is the list of the dataset's fields; each is one small form. */
export function FieldInputs() {
  const { t } = useWords()
  return (
    <Form.List name="fields" rules={[{ validator: (_, all?: FieldForm[]) => (all?.length ? Promise.resolve() : Promise.reject(new Error(t('fields.one')))) }]}>
      {(fields, { add, remove }, { errors }) => (
        <>
          {fields.map(({ key, name }) => (
            <fieldset key={key}>
              <legend>{t('fields.nth', { n: name + 1 })}</legend>
              <OneField at={name} />
              <Button size="small" style={{ marginBottom: 8 }} onClick={() => remove(name)}>
                {t('fields.remove', { n: name + 1 })}
              </Button>
            </fieldset>
          ))}
          <Form.ErrorList errors={errors} />
          <Button onClick={() => add(blankField)}>{t('fields.add')}</Button>
        </>
      )}
    </Form.List>
  )
}

function OneField({ at }: { at: number }) {
  const { t } = useWords()
  const form = Form.useFormInstance()
  const required = { required: true, whitespace: true, message: t('form.required') }
  // Two columns of one name cannot both exist; the second is told so.
  const unique = (_: unknown, name: string) => {
    const all = (form.getFieldValue('fields') ?? []) as (FieldForm | undefined)[]
    const twin = name && all.some((f, n) => n < at && f?.name === name)
    return twin ? Promise.reject(new Error(t('fields.twin'))) : Promise.resolve()
  }
  return (
    <>
      <div className="form-row">
        <Form.Item name={[at, 'name']} label={t('field.name')} extra={t('fields.nameHelp')} rules={[required, { pattern: columnName, message: t('fields.nameWrong') }, { validator: unique }]}>
          <Input className="mono" />
        </Form.Item>
        <Form.Item name={[at, 'title', 'zh']} label={t('fields.titleZh')} extra={t('fields.titleHelp')} rules={[required]}>
          <Input />
        </Form.Item>
        <Form.Item name={[at, 'title', 'en']} label={t('fields.titleEn')}>
          <Input />
        </Form.Item>
      </div>
      <div className="form-row">
        <Form.Item name={[at, 'type']} label={t('field.type')} rules={[required]}>
          <Select options={useOptions('type', fieldTypes)} />
        </Form.Item>
        <Form.Item name={[at, 'grade']} label={t('dataset.grade')} rules={[required]}>
          <Select options={useOptions('grade', grades)} />
        </Form.Item>
        <Form.Item name={[at, 'sensitivity']} label={t('field.sensitivity')} rules={[required]}>
          <Select options={useOptions('sensitivity', sensitivities)} />
        </Form.Item>
      </div>
      <div className="form-row">
        <Form.Item name={[at, 'description']} label={t('field.description')}>
          <Input />
        </Form.Item>
        <Form.Item name={[at, 'standard']} label={t('field.standard')} extra={t('fields.standardHelp')}>
          <Input />
        </Form.Item>
      </div>
    </>
  )
}
