import Form from 'antd/es/form'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { useWords } from '../../i18n'
import { useOptions } from '../../parts/table'
import { useAgents } from './agents'
import { type DatasetForm } from './form'
import { frequencies, grades, opennesses, themes } from './words'

/** tablePattern is "database.table" in ClickHouse, or nothing. */
export const tablePattern = /^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$/

export function DatasetInputs() {
  const { t, text } = useWords()
  const agents = useAgents().map((a) => ({ value: a.id, label: text(a.name) }))
  const required = { required: true, whitespace: true, message: t('form.required') }
  return (
    <>
      <Form.Item name={['title', 'zh']} label={t('edit.titleZh')} extra={t('edit.titleZhHelp')} rules={[required, { max: 100, message: t('form.long', { n: 100 }) }]}>
        <Input showCount maxLength={100} />
      </Form.Item>
      <Form.Item name={['title', 'en']} label={t('edit.titleEn')} extra={t('edit.titleEnHelp')} rules={[{ max: 200, message: t('form.long', { n: 200 }) }]}>
        <Input />
      </Form.Item>
      <Form.Item name={['description', 'zh']} label={t('edit.descriptionZh')} extra={t('edit.descriptionHelp')} rules={[required, { max: 2000, message: t('form.long', { n: 2000 }) }]}>
        <Input.TextArea rows={3} />
      </Form.Item>
      <Form.Item name={['description', 'en']} label={t('edit.descriptionEn')}>
        <Input.TextArea rows={2} />
      </Form.Item>
      <Form.Item name="publisher" label={t('dataset.publisher')} extra={t('edit.publisherHelp')} rules={[required]}>
        <Select showSearch={{ optionFilterProp: 'label' }} options={agents} />
      </Form.Item>
      <Form.Item name="theme" label={t('dataset.theme')} extra={t('edit.themeHelp')} rules={[required]}>
        <Select options={useOptions('theme', themes)} />
      </Form.Item>
      <Form.Item name="keywords" label={t('dataset.keywords')} extra={t('edit.keywordsHelp')}>
        <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', '，', '、', ' ']} />
      </Form.Item>
      <Form.Item name="grade" label={t('dataset.grade')} extra={t('edit.gradeHelp')} rules={[required]}>
        <Select options={useOptions('grade', grades)} />
      </Form.Item>
      <Form.Item name="openness" label={t('dataset.openness')} extra={t('edit.opennessHelp')} rules={[required]}>
        <Select options={useOptions('openness', opennesses)} />
      </Form.Item>
      <OpennessReason />
      <Form.Item name="frequency" label={t('dataset.frequency')} extra={t('edit.frequencyHelp')} rules={[required]}>
        <Select options={useOptions('frequency', frequencies)} />
      </Form.Item>
      <Form.Item name="table" label={t('dataset.table')} extra={t('edit.tableHelp')} rules={[{ pattern: tablePattern, message: t('edit.tableWrong') }]}>
        <Input className="mono" />
      </Form.Item>
    </>
  )
}

/** OpennessReason is asked for only where the law wants one. */
function OpennessReason() {
  const { t } = useWords()
  const openness = Form.useWatch<DatasetForm['openness']>('openness')
  if (!openness || openness === 'unconditional') return null
  return (
    <Form.Item name="opennessReason" label={t('dataset.opennessReason')} extra={t('edit.opennessReasonHelp')} rules={[{ required: true, whitespace: true, message: t('form.required') }]}>
      <Input.TextArea rows={2} />
    </Form.Item>
  )
}
