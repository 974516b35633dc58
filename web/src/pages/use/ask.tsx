import Button from 'antd/es/button'
import Checkbox from 'antd/es/checkbox'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import Radio from 'antd/es/radio'
import Select from 'antd/es/select'
import { useCallback, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { type Ask as Asked } from '../../api/call'
import { type Dataset, plinth, type Request } from '../../api/plinth'
import { useWords } from '../../i18n'
import { draftKey, dropDraft, readDraft, writeDraft } from '../../parts/draft'
import { useLoad } from '../../parts/load'
import { PageHead } from '../../parts/page'
import { Failure, Note, Shown } from '../../parts/states'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { type AskForm, asRequest, firstAsk } from './ask-form'
import { Conditions } from './conditions'
import { usePurposes } from './purposes'

export default function AskForData() {
  const { id = '' } = useParams()
  const dataset = useLoad(`dataset ${id}`, (signal) => plinth.getDataset({ id }, { signal }))
  return <Shown of={dataset}>{(d) => <AskEditor d={d} />}</Shown>
}

function AskEditor({ d }: { d: Dataset }) {
  const { t, text } = useWords()
  const { account } = useSession()
  const navigate = useNavigate()
  const draft = draftKey(account?.id ?? '', `request.${d.id}`)
  const [kept, setKept] = useState(() => readDraft<AskForm>(draft))
  const [initial] = useState(() => firstAsk(d.fields ?? [], new Date()))
  const [form] = Form.useForm<AskForm>()
  const send = useWrite(
    useCallback((key: string, request: Asked<Request>) => plinth.createRequest({ request }, { key }), []),
    useCallback(
      (r: Request) => {
        dropDraft(draft)
        void navigate(`/requests/${r.id}`)
      },
      [draft, navigate],
    ),
  )
  const discard = () => {
    dropDraft(draft)
    setKept(null)
    form.setFieldsValue(initial)
  }
  return (
    <>
      <PageHead title={t('ask.title', { dataset: text(d.title) })} about={t('ask.about', { publisher: d.publisherName })}>
        <Link to={`/datasets/${d.id}`}>{t('registration.toDataset')}</Link>
      </PageHead>
      <div className="form sheet">
        {kept && (
          <Note tone="wait" title={t('draft.restored')}>
            <Button size="small" onClick={discard}>
              {t('draft.discard')}
            </Button>
          </Note>
        )}
        <Form
          form={form}
          layout="vertical"
          initialValues={kept ?? initial}
          scrollToFirstError={{ behavior: 'instant', block: 'center', focus: true }}
          onValuesChange={(_, all) => writeDraft(draft, all)}
          onFinish={(v) => void send.run(asRequest(d.id, v))}
        >
          <WhatInputs d={d} />
          <WhyInputs />
          <Failure error={send.error} />
          <div className="acts">
            <Button type="primary" htmlType="submit" loading={send.busy}>
              {t('ask.send')}
            </Button>
            <Button onClick={() => void navigate(-1)}>{t('act.cancel')}</Button>
            <span className="quiet">{t('draft.auto')}</span>
          </div>
        </Form>
      </div>
    </>
  )
}

function WhatInputs({ d }: { d: Dataset }) {
  const { t, text, word } = useWords()
  const rows = Form.useWatch<AskForm['rows']>('rows')
  const options = (d.fields ?? []).map((f) => ({
    value: f.name,
    label: (
      <>
        <code>{f.name}</code> {text(f.title)}
        {f.sensitivity && f.sensitivity !== 'none' && <span className="quiet"> · {word('sensitivity', f.sensitivity)}</span>}
      </>
    ),
  }))
  return (
    <>
      <fieldset>
        <legend>{t('ask.columns')}</legend>
        <Form.Item name="columns" extra={t('ask.columnsHelp')} rules={[{ validator: (_, v?: string[]) => (v?.length ? Promise.resolve() : Promise.reject(new Error(t('ask.columnsNone')))) }]}>
          <Checkbox.Group options={options} style={{ display: 'grid', gap: 4 }} />
        </Form.Item>
      </fieldset>
      <fieldset>
        <legend>{t('ask.rows')}</legend>
        <Form.Item name="rows" extra={t('ask.rowsHelp')}>
          <Radio.Group
            options={[
              { value: 'some', label: t('ask.rowsSome') },
              { value: 'all', label: t('ask.rowsAll') },
            ]}
          />
        </Form.Item>
        {rows !== 'all' && <Conditions fields={d.fields ?? []} />}
      </fieldset>
    </>
  )
}

function WhyInputs() {
  const { t, text } = useWords()
  const purposes = usePurposes()
  const required = { required: true, whitespace: true, message: t('form.required') }
  return (
    <>
      <Form.Item name="purpose" label={t('grant.purpose')} extra={t('ask.purposeHelp')} rules={[required]}>
        <Select options={purposes.map((p) => ({ value: p.id, label: text(p.name) }))} />
      </Form.Item>
      <Form.Item name="reason" label={t('ask.reason')} extra={t('ask.reasonHelp')} rules={[required, { max: 1000, message: t('form.long', { n: 1000 }) }]}>
        <Input.TextArea rows={3} />
      </Form.Item>
      <div className="form-row">
        <Form.Item name="from" label={t('ask.from')} rules={[required]}>
          <Input type="date" />
        </Form.Item>
        <Form.Item
          name="to"
          label={t('ask.to')}
          dependencies={['from']}
          extra={t('ask.periodHelp')}
          rules={[
            required,
            ({ getFieldValue }) => ({
              validator: (_, to: string) =>
                !to || to >= (getFieldValue('from') as string) ? Promise.resolve() : Promise.reject(new Error(t('ask.periodWrong'))),
            }),
          ]}
        >
          <Input type="date" />
        </Form.Item>
      </div>
    </>
  )
}
