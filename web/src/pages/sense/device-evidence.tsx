import Button from 'antd/es/button'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { useState } from 'react'
import { Link } from 'react-router'
import { type Device, type DeviceEvidence, plinth, type SealedSegment } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { whole } from '../../parts/figures'
import { DateBox, FilterBar } from '../../parts/filters'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Note, Shown, State } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { daysFrom, second, startOfDay } from '../../parts/time'
import { Fetched } from './fetched'
import { untilNow } from './gaps'
import { useProof } from './proof'

/** DeviceEvidencePart shows whether a device's evidence is whole over some days, and hands out what proves it. */
export function DeviceEvidencePart({ d }: { d: Device }) {
  const { t } = useWords()
  const [days, setDays] = useState({ from: daysFrom(new Date(), 0), to: daysFrom(new Date(), 0) })
  const from = startOfDay(days.from)
  const to = startOfDay(daysFrom(new Date(startOfDay(days.to)), 1))
  const found = useLoad(days.from && days.to ? `device evidence ${d.id} ${from} ${to}` : '', (signal) => plinth.getDeviceEvidence({ deviceId: d.id, from, to }, { signal }))
  return (
    <>
      <p className="quiet">{t('deviceProof.about')}</p>
      <FilterBar label={t('filter.title')}>
        <DateBox label={t('records.from')} value={days.from} onChange={(v) => setDays({ ...days, from: v })} />
        <DateBox label={t('records.to')} value={days.to} onChange={(v) => setDays({ ...days, to: v })} />
      </FilterBar>
      <Shown of={found}>{(e) => <Whole e={e} segmentS={d.segmentS} />}</Shown>
      <Files d={d} from={from} to={to} />
    </>
  )
}

/** Whole says first whether anything is missing, then shows the segments. */
function Whole({ e, segmentS }: { e: DeviceEvidence; segmentS: number }) {
  const w = useWords()
  const { t } = w
  const [opened] = useState(Date.now)
  const gaps = untilNow(e.gaps ?? [], opened, segmentS)
  const segments = e.segments ?? []
  return (
    <>
      {segments.length > 0 && gaps.length === 0 && <Note tone="ok" title={t('deviceProof.whole', { n: segments.length })} />}
      {gaps.length > 0 && (
        <Note tone="warn" title={t('deviceProof.gaps', { n: gaps.length })}>
          <ul>
            {gaps.slice(0, 20).map((g) => (
              <li key={g.from}>
                {second(g.from)} – {second(g.to)}
              </li>
            ))}
            {gaps.length > 20 && <li>{t('deviceProof.more', { n: gaps.length - 20 })}</li>}
          </ul>
          <p>{t('deviceProof.gapsAbout')}</p>
        </Note>
      )}
      <Table name="device-evidence" label={t('device.segments')} columns={columns(w)} rows={segments} rowKey={(s) => s.recordId} empty={t('deviceProof.none')} sortable />
    </>
  )
}

function columns({ t, word }: Words): Column<SealedSegment>[] {
  return [
    { key: 'period', title: t('deviceProof.period'), cell: (s) => <span className="nowrap">{second(s.from)} – {shortEnd(s)}</span>, text: (s) => `${second(s.from)} – ${second(s.to)}` },
    { key: 'count', title: t('device.count'), number: true, cell: (s) => whole(s.count), text: (s) => s.count },
    { key: 'seq', title: t('record.subjectSeq'), number: true, cell: (s) => (s.seq === '0' ? '–' : whole(s.seq)), text: (s) => s.seq },
    { key: 'state', title: t('evidence.word'), cell: (s) => <Link to={`/evidence/${s.recordId}`}><State family="evidence" value={s.state} /></Link>, text: (s) => word('evidence', s.state) },
    { key: 'current', title: t('deviceProof.current'), cell: (s) => t(s.current ? 'deviceProof.isCurrent' : 'deviceProof.replaced'), text: (s) => t(s.current ? 'deviceProof.isCurrent' : 'deviceProof.replaced') },
    { key: 'code', title: t('record.code'), optional: true, cell: (s) => <span className="mono nowrap">{s.shortCode}</span>, text: (s) => s.shortCode },
  ]
}

/** shortEnd is a segment's end without its date where that is the beginning's. */
function shortEnd(s: SealedSegment): string {
  const end = second(s.to)
  return end.slice(0, 10) === second(s.from).slice(0, 10) ? end.slice(11) : end
}

/** Files hands out the file of the period, and the same with the proof of the readings of one moment. */
function Files({ d, from, to }: { d: Device; from: string; to: string }) {
  const { t, text } = useWords()
  const [metric, setMetric] = useState(d.metrics?.[0]?.name ?? '')
  const [at, setAt] = useState('')
  const proof = useProof(d)
  const moment = at ? new Date(`${at}+08:00`) : null
  const bad = !moment || Number.isNaN(moment.getTime())
  return (
    <>
      <h3 style={{ margin: '16px 0 6px' }}>{t('deviceProof.files')}</h3>
      <div className="acts">
        <Act primary {...(proof.may ? {} : { blocked: t('deviceProof.notYours') })} onClick={() => proof.fetchFile(from, to, {}, `${d.id}.plinth-device`)}>
          {t('deviceProof.download')}
        </Act>
      </div>
      <details style={{ marginTop: 10 }}>
        <summary>{t('deviceProof.reading')}</summary>
        <p className="quiet">{t('deviceProof.readingAbout')}</p>
        <div className="acts" style={{ alignItems: 'end' }}>
          <label htmlFor="proof_metric">
            {t('device.metrics')}
            <Select id="proof_metric" aria-label={t('device.metrics')} value={metric} style={{ width: 180, display: 'block' }} options={(d.metrics ?? []).map((m) => ({ value: m.name, label: text(m.title) || m.name }))} onChange={setMetric} />
          </label>
          <label htmlFor="proof_at">
            {t('deviceProof.at')}
            <Input id="proof_at" type="datetime-local" step="1" value={at} onChange={(e) => setAt(e.target.value)} />
          </label>
          <Button disabled={!proof.may || bad} onClick={() => moment && proof.fetchFile(from, to, { metric, at: moment.toISOString() }, `${d.id}-${metric}.plinth-device`)}>
            {t('deviceProof.downloadReading')}
          </Button>
        </div>
      </details>
      <Fetched of={proof} />
    </>
  )
}
