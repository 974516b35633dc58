import Button from 'antd/es/button'
import Form from 'antd/es/form'
import { useCallback, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { ApiError, type Ask } from '../../api/call'
import { type Dataset, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { draftKey, dropDraft, readDraft, writeDraft } from '../../parts/draft'
import { useLoad } from '../../parts/load'
import { PageHead } from '../../parts/page'
import { Failure, Note, Shown } from '../../parts/states'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { DatasetInputs } from './dataset-inputs'
import { FieldInputs } from './field-inputs'
import { asForm, asDataset, blank, type DatasetForm, formPath } from './form'

export default function EditDataset() {
  const { id = '' } = useParams()
  const { account } = useSession()
  const dataset = useLoad(id ? `edit ${id}` : '', (signal) => plinth.getDataset({ id }, { signal }))
  if (!id) return <DatasetEditor initial={{ ...blank, publisher: account?.department ?? '' }} id="" />
  return <Shown of={dataset}>{(d) => <DatasetEditor key={d.id} initial={asForm(d)} id={d.id} />}</Shown>
}

function DatasetEditor({ initial, id }: { initial: DatasetForm; id: string }) {
  const { t, text } = useWords()
  const { account } = useSession()
  const navigate = useNavigate()
  const [form] = Form.useForm()
  const draft = draftKey(account?.id ?? '', id ? `dataset.${id}` : 'dataset.new')
  const [kept, setKept] = useState(() => readDraft<DatasetForm>(draft))
  const [faults, setFaults] = useState(0)

  const write = useCallback(
    (key: string, dataset: Ask<Dataset>) =>
      (id ? plinth.updateDataset({ dataset: { ...dataset, id } }, { key }) : plinth.createDataset({ dataset }, { key })).catch((cause: unknown) => {
        // The service names the field: the sentence then also stands beside it.
        const name = cause instanceof ApiError ? formPath(cause.field) : null
        if (name && cause instanceof ApiError) form.setFields([{ name, errors: [cause.message] }])
        throw cause
      }),
    [id, form],
  )
  const saved = useCallback(
    (d: Dataset) => {
      dropDraft(draft)
      void navigate(d.registrationId ? `/registrations/${d.registrationId}` : `/datasets/${d.id}`)
    },
    [draft, navigate],
  )
  const save = useWrite(write, saved)
  const discard = () => {
    dropDraft(draft)
    setKept(null)
    form.setFieldsValue(initial)
  }

  return (
    <>
      <PageHead title={id ? t('edit.title', { title: text(initial.title) }) : t('datasets.new')} about={t('edit.about')} />
      <div className="form">
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
          onFinishFailed={({ errorFields }) => setFaults(errorFields.length)}
          onFinish={(v) => {
            setFaults(0)
            void save.run(asDataset(v))
          }}
        >
          <DatasetInputs />
          <h2 style={{ margin: '20px 0 4px' }}>{t('tab.fields')}</h2>
          <p className="quiet">{t('fields.help')}</p>
          <FieldInputs />
          <Failure error={save.error} />
          {faults > 0 && <Note tone="late" title={t('form.faults', { n: faults })} />}
          <div className="acts" style={{ marginTop: 16 }}>
            <Button type="primary" htmlType="submit" loading={save.busy}>
              {t('edit.save')}
            </Button>
            <Button onClick={() => void navigate(-1)}>{t('act.cancel')}</Button>
            <span className="quiet">{t('draft.auto')}</span>
          </div>
        </Form>
      </div>
    </>
  )
}
