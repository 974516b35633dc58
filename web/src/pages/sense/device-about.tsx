import Button from 'antd/es/button'
import { type ReactNode, useState } from 'react'
import { type Device, type Metric } from '../../api/plinth'
import { useWords } from '../../i18n'
import { fetchFile, figure } from '../../parts/figures'
import { Facts } from '../../parts/page'
import { Failure } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { useSpan } from '../../parts/span'
import { day, isPast, second } from '../../parts/time'
import { useNames } from '../catalog/agents'
import { LabelCode } from './code-picture'

/** DeviceAbout is what the registry knows of a device, and the code that is stuck on it. */
export function DeviceAbout({ d }: { d: Device }) {
  const { t, word } = useWords()
  const span = useSpan()
  const agent = useNames()
  const due = d.calibrationDue && (
    <>
      {day(d.calibrationDue)} {isPast(d.calibrationDue, new Date()) && <span className="tone late">{t('due.late')}</span>}
    </>
  )
  const facts: [string, ReactNode][] = [
    [t('device.kind'), word('deviceKind', d.kind)],
    [t('device.owner'), agent(d.owner, d.ownerName)],
    [t('device.site'), [agent(d.street), d.grid, d.site].filter(Boolean).join(' · ')],
    [t('device.place'), d.longitude || d.latitude ? `${d.longitude.toFixed(6)}, ${d.latitude.toFixed(6)} (WGS 84)` : ''],
    [t('device.given'), d.system && d.system !== 'wgs84' ? word('system', d.system) : ''],
    [t('device.every'), span(d.intervalS)],
    [t('device.codec'), word('codec', d.codec || 'json')],
    [t('newDevice.topic'), <code key="t" className="break">{d.topic}</code>],
    [t('device.maker'), [d.maker, d.model].filter(Boolean).join(' · ')],
    [t('device.installed'), day(d.installed)],
    [t('device.calibrated'), day(d.calibrated)],
    [t('device.calibrationDue'), due],
    [t('device.twins'), d.twins],
    ...Object.entries(d.attrs ?? {}).map(([name, value]): [string, ReactNode] => [word('attr', name), value]),
    [t('device.seen'), second(d.lastSeen)],
  ]
  return (
    <>
      <div className="about-device">
        <Facts of={facts.filter(([, value]) => value)} />
        <DeviceCode d={d} />
      </div>
      <h3 style={{ margin: '18px 0 6px' }}>{t('device.metrics')}</h3>
      <Metrics of={d.metrics ?? []} />
    </>
  )
}

function Metrics({ of }: { of: Metric[] }) {
  const { t, text, unit } = useWords()
  const some = (n: number) => (n ? figure(n) : '–')
  const columns: Column<Metric>[] = [
    { key: 'name', title: t('device.metric'), cell: (m) => <>{text(m.title) || m.name} <code className="quiet">{m.name}</code></>, text: (m) => m.name },
    { key: 'unit', title: t('metric.unit'), cell: (m) => unit(m.unit) || '–', text: (m) => m.unit },
    { key: 'range', title: t('metric.range'), number: true, cell: (m) => `${figure(m.min)} – ${figure(m.max)}`, text: (m) => `${m.min} – ${m.max}` },
    { key: 'rate', title: t('metric.rate'), number: true, cell: (m) => some(m.maxRate), text: (m) => String(m.maxRate) },
    { key: 'stuck', title: t('metric.stuck'), number: true, cell: (m) => some(m.stuckAfter), text: (m) => String(m.stuckAfter) },
    { key: 'resolution', title: t('metric.resolution'), number: true, optional: true, cell: (m) => some(m.resolution), text: (m) => String(m.resolution) },
    { key: 'drift', title: t('metric.drift'), number: true, optional: true, cell: (m) => some(m.drift), text: (m) => String(m.drift) },
  ]
  return <Table name="metrics" label={t('device.metrics')} columns={columns} rows={of} rowKey={(m) => m.name} empty="–" />
}

/** DeviceCode is the code of the device's label, to save or to compare with what is stuck on it. */
function DeviceCode({ d }: { d: Device }) {
  const { t } = useWords()
  const [error, setError] = useState<unknown>(null)
  const file = () => void fetchFile(`/v1/devices/${encodeURIComponent(d.id)}/qr.svg`, `${d.id}.svg`).catch(setError)
  return (
    <figure className="device-code">
      <LabelCode code={d.code} label={t('device.labelCode', { id: d.id, code: d.code })} />
      <figcaption>
        <code>{d.code}</code>
        <Button size="small" onClick={file}>
          {t('code.save')}
        </Button>
      </figcaption>
      <Failure error={error} />
    </figure>
  )
}
