import Button from 'antd/es/button'
import encodeQR from 'qr'
import { type ReactNode, useMemo } from 'react'
import { type Device, type Metric } from '../../api/plinth'
import { useWords } from '../../i18n'
import { figure, saveBlob } from '../../parts/figures'
import { Facts } from '../../parts/page'
import { type Column, Table } from '../../parts/table'
import { useSpan } from '../../parts/span'
import { day, isPast, second } from '../../parts/time'
import { useNames } from '../catalog/agents'
import { squares } from '../evidence/qr'

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

/** DeviceCode is the QR that leads whoever stands before the device to its page. */
function DeviceCode({ d }: { d: Device }) {
  const { t } = useWords()
  const address = `${location.origin}/devices/${encodeURIComponent(d.id)}`
  const modules = useMemo(() => encodeQR(address, 'raw', { ecc: 'medium', border: 4 }), [address])
  const box = `0 0 ${modules.length} ${modules.length}`
  const file = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" width="360" height="360" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${modules.length}v${modules.length}H0z"/><path d="${squares(modules)}"/></svg>`
  return (
    <figure className="device-code">
      <svg viewBox={box} role="img" aria-label={t('device.code', { id: d.id })} shapeRendering="crispEdges">
        <path fill="#fff" d={`M0 0h${modules.length}v${modules.length}H0z`} />
        <path d={squares(modules)} />
      </svg>
      <figcaption>
        <code>{d.id}</code>
        <Button size="small" onClick={() => saveBlob(`${d.id}.svg`, new Blob([file], { type: 'image/svg+xml' }))}>
          {t('code.save')}
        </Button>
      </figcaption>
    </figure>
  )
}
