import Button from 'antd/es/button'
import { useState } from 'react'
import { useParams } from 'react-router'
import { type Device, plinth, type Segment } from '../../api/plinth'
import { rawRoles, recordRoles } from '../../frame/menu'
import { useWords, type Words } from '../../i18n'
import { figure, unitOf, whole } from '../../parts/figures'
import { type LiveReading, useLive } from '../../parts/live'
import { useLoad } from '../../parts/load'
import { ObjectFrame } from '../../parts/object'
import { Facts, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Evidence, Shown, State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { DeviceEvidencePart } from './device-evidence'
import { Series } from './series'

export default function DevicePage() {
  const { id = '' } = useParams()
  const device = useLoad(`device ${id}`, (signal) => plinth.getDevice({ id }, { signal }))
  return <Shown of={device}>{(d) => <DeviceShown d={d} />}</Shown>
}

function DeviceShown({ d }: { d: Device }) {
  const { t, text, word } = useWords()
  const { has } = useSession()
  const [now, setNow] = useState<Record<string, LiveReading>>({})
  const [paused, setPaused] = useState(false)
  useLive({ reading: (r) => r.device === d.id && setNow((all) => ({ ...all, [r.metric]: r })) }, paused)
  return (
    <ObjectFrame
      title={text(d.name) || d.id}
      marks={
        <>
          <span className="mono">{d.id}</span>
          <span>{word('deviceKind', d.kind)}</span>
          <State family="liveness" value={d.liveness} />
          <span>{d.ownerName || d.owner}</span>
          <Flags of={d.flags} />
        </>
      }
      acts={
        <Button aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {t(paused ? 'live.resume' : 'live.pause')}
        </Button>
      }
      tabs={[
        ...(has(...rawRoles) ? [{ key: 'series', title: t('device.series'), content: <Series d={d} /> }] : []),
        { key: 'segments', title: t('device.segments'), content: <Segments d={d} /> },
        ...(has(...recordRoles) ? [{ key: 'evidence', title: t('evidence.word'), content: <DeviceEvidencePart d={d} /> }] : []),
        { key: 'about', title: t('tab.about'), content: <About d={d} /> },
      ]}
      aside={<Latest d={d} now={now} />}
    />
  )
}

function Flags({ of }: { of: string[] | undefined }) {
  const { word } = useWords()
  return (of ?? []).map((f) => (
    <span key={f} className="tone warn">
      {word('flag', f)}
    </span>
  ))
}

/** Latest is the newest value of each metric: as stored, and then as it arrives. */
function Latest({ d, now }: { d: Device; now: Record<string, LiveReading> }) {
  const { t, text } = useWords()
  const valueOf = (metric: string) => now[metric]?.value ?? d.latest?.[metric]
  return (
    <Sheet title={t('device.latest')}>
      <Facts
        of={(d.metrics ?? []).map((m) => [
          text(m.title) || m.name,
          valueOf(m.name) === undefined ? (
            ''
          ) : (
            <span key={m.name}>
              <b>{figure(valueOf(m.name))}</b> {unitOf(m.unit)} <Flags of={now[m.name]?.flags} />
              <div className="quiet">{second(now[m.name]?.at ?? d.lastSeen)}</div>
            </span>
          ),
        ])}
      />
    </Sheet>
  )
}

function About({ d }: { d: Device }) {
  const { t, word } = useWords()
  return (
    <Facts
      of={[
        [t('device.kind'), word('deviceKind', d.kind)],
        [t('device.owner'), d.ownerName || d.owner],
        [t('device.street'), d.street],
        [t('device.grid'), d.grid],
        [t('device.site'), d.site],
        [t('device.place'), d.longitude ? `${d.longitude.toFixed(5)}, ${d.latitude.toFixed(5)} (WGS 84)` : ''],
        [t('device.interval'), t('device.seconds', { n: d.intervalS })],
        [t('device.metrics'), (d.metrics ?? []).map((m) => `${m.name} (${unitOf(m.unit)}, ${figure(m.min)} – ${figure(m.max)})`).join('; ')],
        [t('device.seen'), second(d.lastSeen)],
      ]}
    />
  )
}

function segmentColumns({ t, word }: Words): Column<Segment>[] {
  return [
    { key: 'seq', title: t('segment.seq'), number: true, cell: (s) => whole(s.seq), text: (s) => s.seq },
    { key: 'from', title: t('ask.from'), cell: (s) => second(s.from), text: (s) => second(s.from) },
    { key: 'to', title: t('ask.to'), cell: (s) => second(s.to), text: (s) => second(s.to) },
    { key: 'count', title: t('device.count'), number: true, cell: (s) => whole(s.count), text: (s) => s.count },
    { key: 'evidence', title: t('evidence.word'), cell: (s) => <Evidence of={s.evidence} />, text: (s) => word('evidence', s.evidence?.state ?? '') },
  ]
}

function Segments({ d }: { d: Device }) {
  const w = useWords()
  const list = usePaged(`segments ${d.id}`, async (pageToken, signal) => {
    const a = await plinth.listSegments({ deviceId: d.id, pageToken, pageSize: 30 }, { signal })
    return { rows: a.segments ?? [], next: a.nextPageToken }
  })
  return <PagedTable name="segments" label={w.t('device.segments')} of={list} columns={segmentColumns(w)} rowKey={(s) => s.recordId} empty={w.t('segments.empty')} />
}
