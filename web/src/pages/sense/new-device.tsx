import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import InputNumber from 'antd/es/input-number'
import Select from 'antd/es/select'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { type Device, plinth, type RegisterDeviceResponse } from '../../api/plinth'
import { useWords } from '../../i18n'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note } from '../../parts/states'
import { useOptions } from '../../parts/table'
import { useWrite } from '../../parts/write'
import { useAgents } from '../catalog/agents'
import { kinds } from './devices'

type DeviceForm = Pick<Device, 'id' | 'kind' | 'owner' | 'street' | 'grid' | 'site' | 'longitude' | 'latitude' | 'intervalS'> & { nameZh: string; nameEn?: string }

export default function NewDevice() {
  const { t } = useWords()
  const navigate = useNavigate()
  const [made, setMade] = useState<RegisterDeviceResponse | null>(null)
  const register = useWrite(
    (key, { nameZh, nameEn, ...v }: DeviceForm) => plinth.registerDevice({ device: { ...v, name: { zh: nameZh, en: nameEn ?? '' } } }, { key }),
    setMade,
  )
  if (made) return <Credential made={made} />
  return (
    <>
      <PageHead title={t('devices.new')} about={t('newDevice.about')} />
      <Form layout="vertical" className="form sheet" initialValues={{ intervalS: 10 }} onFinish={(v: DeviceForm) => void register.run(v)}>
        <DeviceInputs />
        <Failure error={register.error} />
        <div className="acts">
          <Button type="primary" htmlType="submit" loading={register.busy}>
            {t('devices.new')}
          </Button>
          <Button onClick={() => void navigate(-1)}>{t('act.cancel')}</Button>
        </div>
      </Form>
    </>
  )
}

function DeviceInputs() {
  const { t, text } = useWords()
  const agents = useAgents()
  const required = { required: true, message: t('form.required') }
  const degrees = (most: number) => [{ type: 'number' as const, min: -most, max: most, message: t('newDevice.degrees') }]
  const pick = (of: string[]) => agents.filter((a) => of.includes(a.kind)).map((a) => ({ value: a.id, label: text(a.name) }))
  return (
    <>
      <Form.Item name="id" label={t('newDevice.id')} extra={t('newDevice.idHelp')} rules={[required, { pattern: /^[a-z0-9][a-z0-9_-]{0,63}$/, message: t('newDevice.idWrong') }]}>
        <Input className="mono" />
      </Form.Item>
      <Form.Item name="nameZh" label={t('fields.titleZh')} extra={t('newDevice.nameHelp')} rules={[required]}>
        <Input />
      </Form.Item>
      <Form.Item name="nameEn" label={t('fields.titleEn')}>
        <Input />
      </Form.Item>
      <Form.Item name="kind" label={t('device.kind')} extra={t('newDevice.kindHelp')} rules={[required]}>
        <Select options={useOptions('deviceKind', kinds)} />
      </Form.Item>
      <Form.Item name="owner" label={t('device.owner')} rules={[required]}>
        <Select showSearch={{ optionFilterProp: 'label' }} options={pick(['bureau', 'centre'])} />
      </Form.Item>
      <Form.Item name="street" label={t('device.street')} rules={[required]}>
        <Select options={pick(['street', 'town'])} />
      </Form.Item>
      <Form.Item name="grid" label={t('device.grid')} extra={t('newDevice.gridHelp')}>
        <Input />
      </Form.Item>
      <Form.Item name="site" label={t('device.site')} extra={t('newDevice.siteHelp')}>
        <Input />
      </Form.Item>
      <div className="form-row">
        <Form.Item name="longitude" label={t('newDevice.longitude')} rules={degrees(180)}>
          <InputNumber style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="latitude" label={t('newDevice.latitude')} rules={degrees(90)}>
          <InputNumber style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="intervalS" label={t('device.interval')} rules={[required]}>
          <InputNumber min={1} max={86400} precision={0} style={{ width: '100%' }} />
        </Form.Item>
      </div>
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
            [t('newDevice.topic'), <code key="t">{`plinth/v1/${made.device?.kind}/${made.device?.id}/data`}</code>],
          ]}
        />
        <p>
          <Link to={`/devices/${made.device?.id}`}>{made.device?.id}</Link>
        </p>
      </Sheet>
    </>
  )
}
