import Button from 'antd/es/button'
import { useCallback, useRef, useState } from 'react'
import { useParams } from 'react-router'
import { type Device, plinth, type Segment } from '../../api/plinth'
import { alarmRoles, rawRoles, recordRoles } from '../../frame/menu'
import { useWords, type Words } from '../../i18n'
import { figure, whole } from '../../parts/figures'
import { type LiveReading, useLive } from '../../parts/live'
import { useLoad } from '../../parts/load'
import { ObjectFrame } from '../../parts/object'
import { Facts, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Evidence, Shown, State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { useNames } from '../catalog/agents'
import { AlarmTable } from './alarm-table'
import { DeviceAbout } from './device-about'
import { DeviceActs } from './device-acts'
import { DeviceEvidencePart } from './device-evidence'
import { Readings } from './readings'

export default function DevicePage() {
  const { id = '' } = useParams()
  const device = useLoad(`device ${id}`, (signal) => plinth.getDevice({ id }, { signal }))
  return <Shown of={device}>{(d) => <DeviceShown key={d.id} d={d} put={device.put} />}</Shown>
}

/** useArriving is the newest reading of each metric as it comes, and a way for parts of the page to hear all of them. */
function useArriving(d: Device, all: boolean, paused: boolean) {
  const [now, setNow] = useState<Record<string, LiveReading>>({})
  const takers = useRef(new Set<(r: LiveReading) => void>())
  const subscribe = useCallback((take: (r: LiveReading) => void) => {
    takers.current.add(take)
    return () => void takers.current.delete(take)
  }, [])
  const open = useLive(
    {
      reading: (r) => {
        if (r.device !== d.id) return
        setNow((held) => ({ ...held, [r.metric]: r }))
        takers.current.forEach((take) => take(r))
      },
    },
    paused,
    all ? d.id : '',
  )
  return { now, subscribe, open }
}

function DeviceShown({ d, put }: { d: Device; put: (d: Device) => void }) {
  const { t, text, word } = useWords()
  const { has } = useSession()
  const agent = useNames()
  const [paused, setPaused] = useState(false)
  const raw = has(...rawRoles)
  const { now, subscribe, open } = useArriving(d, raw, paused)
  return (
    <ObjectFrame
      title={text(d.name) || d.id}
      marks={
        <>
          <span className="mono">{d.id}</span>
          <span>{word('deviceKind', d.kind)}</span>
          <State family="liveness" value={d.liveness} />
          {d.life && <State family="life" value={d.life} />}
          <span>{agent(d.owner, d.ownerName)}</span>
          <Flags of={d.flags} />
        </>
      }
      acts={has('operator') && <DeviceActs d={d} put={put} />}
      tabs={[
        ...(raw ? [{ key: 'series', title: t('device.series'), content: <Readings d={d} subscribe={subscribe} paused={paused} /> }] : []),
        { key: 'about', title: t('tab.about'), content: <DeviceAbout d={d} /> },
        ...(has(...alarmRoles) ? [{ key: 'alarms', title: t('nav.alarmDesk'), content: <AlarmTable name="device-alarms" filters={{ deviceId: d.id }} without={['device', 'unit']} /> }] : []),
        { key: 'evidence', title: t('evidence.word'), content: has(...recordRoles) ? <DeviceEvidencePart d={d} /> : <Segments d={d} /> },
      ]}
      aside={
        <Sheet
          title={t('device.latest')}
          extra={
            <>
              <span className={`tone ${open ? 'ok' : 'plain'}`}>{t(paused ? 'live.paused' : open ? 'live.open' : 'live.broken')}</span>
              <Button size="small" aria-pressed={paused} onClick={() => setPaused(!paused)}>
                {t(paused ? 'live.resume' : 'live.pause')}
              </Button>
            </>
          }
        >
          <Latest d={d} now={now} />
        </Sheet>
      }
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
  const { text, unit } = useWords()
  const valueOf = (metric: string) => now[metric]?.value ?? d.latest?.[metric]
  return (
    <Facts
      of={(d.metrics ?? []).map((m) => [
        text(m.title) || m.name,
        valueOf(m.name) === undefined ? (
          ''
        ) : (
          <span key={m.name}>
            <b>{figure(valueOf(m.name))}</b> {unit(m.unit)} <Flags of={now[m.name]?.flags} />
            <div className="quiet">{second(now[m.name]?.at ?? d.lastSeen)}</div>
          </span>
        ),
      ])}
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
