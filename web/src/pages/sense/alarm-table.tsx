import { Link } from 'react-router'
import { type Alarm, type ListAlarmsRequest, plinth } from '../../api/plinth'
import { useWords, type Words } from '../../i18n'
import { usePaged } from '../../parts/paged'
import { State } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { isPast, minute } from '../../parts/time'
import { type Named, useNames } from '../catalog/agents'
import { gradeName } from './grades'

/** RespondBy is until when the unit must answer; past it, while nobody has, it is late. */
export function RespondBy({ a }: { a: Alarm }) {
  const { t } = useWords()
  if (!a.respondBy) return '–'
  const late = a.state === 'open' && isPast(a.respondBy, new Date())
  return (
    <span className="nowrap">
      {minute(a.respondBy)} {late && <span className="tone late">{t('due.late')}</span>}
    </span>
  )
}

export function alarmColumns({ t, text, word }: Words, agent: Named): Column<Alarm>[] {
  return [
    { key: 'grade', title: t('alarm.grade'), cell: (a) => <State family="alarmGrade" value={gradeName(a.grade || a.peakGrade)} />, text: (a) => word('alarmGrade', gradeName(a.grade || a.peakGrade)) },
    {
      key: 'title',
      title: t('alarm.what'),
      wide: true,
      cell: (a) => (
        <>
          <Link to={`/alarms/${a.id}`}>{text(a.title) || a.rule}</Link>
          <div className="quiet">{text(a.text)}</div>
        </>
      ),
      text: (a) => `${text(a.title)}: ${text(a.text)}`,
    },
    {
      key: 'device',
      title: t('device.name'),
      cell: (a) => (
        <>
          <Link to={`/devices/${a.deviceId}`}>{text(a.deviceName) || a.deviceId}</Link>
          <div className="quiet">{[agent(a.street), a.site].filter(Boolean).join(' · ')}</div>
        </>
      ),
      text: (a) => a.deviceId,
    },
    { key: 'state', title: t('dataset.state'), cell: (a) => <State family="alarmState" value={a.state} />, text: (a) => word('alarmState', a.state) },
    { key: 'unit', title: t('alarm.unit'), cell: (a) => agent(a.unit, a.unitName) || '–', text: (a) => agent(a.unit, a.unitName) },
    { key: 'by', title: t('alarm.respondBy'), cell: (a) => <RespondBy a={a} />, text: (a) => minute(a.respondBy) },
    { key: 'raised', title: t('alarm.raised'), cell: (a) => <span className="nowrap">{minute(a.raisedAt)}</span>, text: (a) => minute(a.raisedAt) },
    { key: 'ended', title: t('alarm.ended'), optional: true, cell: (a) => minute(a.endedAt) || t('alarm.lasts'), text: (a) => minute(a.endedAt) },
    { key: 'rule', title: t('alert.rule'), optional: true, cell: (a) => <code>{a.kind}/{a.rule}</code>, text: (a) => `${a.kind}/${a.rule}` },
  ]
}

/** AlarmTable is the alarms that filters leave, newest first, page by page. */
export function AlarmTable({ name, filters, without = [] }: { name: string; filters: Partial<ListAlarmsRequest>; without?: string[] }) {
  const w = useWords()
  const list = usePaged(`${name} ${JSON.stringify(filters)}`, async (pageToken, signal) => {
    const a = await plinth.listAlarms({ ...filters, pageToken, pageSize: 30 }, { signal })
    return { rows: a.alarms ?? [], next: a.nextPageToken, total: a.totalSize }
  })
  return <PagedTable name={name} label={w.t('nav.alarmDesk')} of={list} columns={alarmColumns(w, useNames()).filter((c) => !without.includes(c.key))} rowKey={(a) => a.id} empty={w.t('alarms.none')} />
}
