import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import InputNumber from 'antd/es/input-number'
import Select from 'antd/es/select'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { type Device, plinth, type RegisterDeviceResponse } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note, Shown } from '../../parts/states'
import { useOptions } from '../../parts/table'
import { useWrite } from '../../parts/write'
import { useAgents } from '../catalog/agents'
import { blankDevice, changedMask, codecs, type DeviceForm, deviceOf, formOf, inMetres, readAttrs, systems } from './device-form'
import { useKinds } from './kinds'

export default function NewDevice() {
  const { id = '' } = useParams()
  const device = useLoad(id ? `device to edit ${id}` : '', (signal) => plinth.getDevice({ id }, { signal }))
  return id ? <Shown of={device}>{(d) => <EditDevice d={d} />}</Shown> : <RegisterDevice />
}

function RegisterDevice() {
  const { t } = useWords()
  const [made, setMade] = useState<RegisterDeviceResponse | null>(null)
  const register = useWrite((key, v: DeviceForm) => plinth.registerDevice({ device: deviceOf(v) }, { key }), setMade)
  if (made) return <Credential made={made} />
  return (
    <>
      <PageHead title={t('devices.new')} about={t('newDevice.about')} />
      <DeviceFields first={blankDevice} act={t('devices.new')} busy={register.busy} error={register.error} onSend={(v) => void register.run(v)} />
    </>
  )
}

function EditDevice({ d }: { d: Device }) {
  const { t, text } = useWords()
  const navigate = useNavigate()
  const change = useWrite(
    (key, v: DeviceForm) => {
      const next = deviceOf(v)
      return plinth.updateDevice({ device: { ...next, id: d.id, version: d.version }, updateMask: changedMask(deviceOf(formOf(d)), next) }, { key })
    },
    () => void navigate(`/devices/${d.id}?tab=about`),
  )
  return (
    <>
      <PageHead title={t('newDevice.edit', { name: text(d.name) || d.id })} about={t('newDevice.editAbout')} />
      <DeviceFields first={formOf(d)} old act={t('newDevice.save')} busy={change.busy} error={change.error} onSend={(v) => void change.run(v)} />
    </>
  )
}

function DeviceFields(props: { first: DeviceForm; old?: boolean; act: string; busy: boolean; error: unknown; onSend: (v: DeviceForm) => void }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const { first, old, act, busy, error, onSend } = props
  return (
    <Form layout="vertical" className="form sheet" initialValues={first} onFinish={(v: DeviceForm) => onSend({ ...first, ...v })}>
      {!old && <Identity />}
      <Belonging />
      <Place />
      <Instrument />
      <Failure error={error} />
      <div className="acts">
        <Button type="primary" htmlType="submit" loading={busy}>
          {act}
        </Button>
        <Button onClick={() => void navigate(-1)}>{t('act.cancel')}</Button>
      </div>
    </Form>
  )
}

const useRequired = () => ({ required: true, message: useWords().t('form.required') })

function Identity() {
  const { t } = useWords()
  const required = useRequired()
  return (
    <>
      <Form.Item name="id" label={t('newDevice.id')} extra={t('newDevice.idHelp')} rules={[required, { pattern: /^[a-z0-9][a-z0-9_-]{0,63}$/, message: t('newDevice.idWrong') }]}>
        <Input className="mono" />
      </Form.Item>
      <Form.Item name="kind" label={t('device.kind')} extra={t('newDevice.kindHelp')} rules={[required]}>
        <Select options={useKinds()} />
      </Form.Item>
    </>
  )
}

function Belonging() {
  const { t, text } = useWords()
  const required = useRequired()
  const agents = useAgents()
  const pick = (of: string[]) => agents.filter((a) => of.includes(a.kind)).map((a) => ({ value: a.id, label: text(a.name) }))
  return (
    <>
      <Form.Item name="nameZh" label={t('fields.titleZh')} extra={t('newDevice.nameHelp')} rules={[required]}>
        <Input />
      </Form.Item>
      <Form.Item name="nameEn" label={t('fields.titleEn')}>
        <Input />
      </Form.Item>
      <Form.Item name="owner" label={t('device.owner')} rules={[required]}>
        <Select showSearch={{ optionFilterProp: 'label' }} options={pick(['bureau', 'centre'])} />
      </Form.Item>
    </>
  )
}

function Place() {
  const { t, text } = useWords()
  const required = useRequired()
  const agents = useAgents()
  const system = Form.useWatch('system') as string | undefined
  const metres = inMetres(system ?? 'wgs84')
  const degrees = (most: number) => (metres ? [] : [{ type: 'number' as const, min: -most, max: most, message: t('newDevice.degrees') }])
  return (
    <>
      <Form.Item name="street" label={t('device.street')} rules={[required]}>
        <Select options={agents.filter((a) => a.kind === 'street' || a.kind === 'town').map((a) => ({ value: a.id, label: text(a.name) }))} />
      </Form.Item>
      <Form.Item name="grid" label={t('device.grid')} extra={t('newDevice.gridHelp')}>
        <Input />
      </Form.Item>
      <Form.Item name="site" label={t('device.site')} extra={t('newDevice.siteHelp')}>
        <Input />
      </Form.Item>
      <Form.Item name="system" label={t('newDevice.system')} extra={t('newDevice.systemHelp')}>
        <Select options={useOptions('system', systems)} />
      </Form.Item>
      <div className="form-row">
        <Form.Item name="x" label={t(metres ? 'newDevice.easting' : 'newDevice.longitude')} rules={degrees(180)}>
          <InputNumber style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="y" label={t(metres ? 'newDevice.northing' : 'newDevice.latitude')} rules={degrees(90)}>
          <InputNumber style={{ width: '100%' }} />
        </Form.Item>
      </div>
    </>
  )
}

function Instrument() {
  const { t } = useWords()
  const required = useRequired()
  const lines = {
    validator: (_: unknown, text: string) => {
      const { fault } = readAttrs(text ?? '')
      return fault ? Promise.reject(new Error(t('newDevice.attrsWrong', { n: fault }))) : Promise.resolve()
    },
  }
  return (
    <>
      <div className="form-row">
        <Form.Item name="intervalS" label={t('device.interval')} rules={[required]}>
          <InputNumber min={1} max={86400} precision={0} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="codec" label={t('device.codec')}>
          <Select options={useOptions('codec', codecs)} />
        </Form.Item>
      </div>
      <div className="form-row">
        <Form.Item name="maker" label={t('newDevice.maker')}>
          <Input />
        </Form.Item>
        <Form.Item name="model" label={t('newDevice.model')}>
          <Input />
        </Form.Item>
      </div>
      <div className="form-row">
        <Form.Item name="installed" label={t('device.installed')}>
          <Input type="date" />
        </Form.Item>
        <Form.Item name="calibrated" label={t('device.calibrated')}>
          <Input type="date" />
        </Form.Item>
        <Form.Item name="calibrationDue" label={t('device.calibrationDue')}>
          <Input type="date" />
        </Form.Item>
      </div>
      <Form.Item name="twins" label={t('device.twins')} extra={t('newDevice.twinsHelp')}>
        <Input />
      </Form.Item>
      <Form.Item name="attrs" label={t('newDevice.attrs')} extra={t('newDevice.attrsHelp')} rules={[lines]}>
        <Input.TextArea className="mono" autoSize={{ minRows: 2, maxRows: 8 }} />
      </Form.Item>
    </>
  )
}

function Credential({ made }: { made: RegisterDeviceResponse }) {
  const { t } = useWords()
  return (
    <>
      <PageHead title={t('newDevice.made')} />
      <Note tone="warn" title={t('newDevice.once')} />
      <Sheet>
        <Facts
          of={[
            [t('newDevice.user'), <code key="u">{made.mqttUser}</code>],
            [t('newDevice.password'), <code key="p">{made.mqttPassword}</code>],
            [t('newDevice.topic'), <code key="t">{made.device?.topic || `plinth/v1/${made.device?.kind}/${made.device?.id}/data`}</code>],
          ]}
        />
        <p>
          <Link to={`/devices/${made.device?.id}`}>{made.device?.id}</Link>
        </p>
      </Sheet>
    </>
  )
}
