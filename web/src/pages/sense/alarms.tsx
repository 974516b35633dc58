import Button from 'antd/es/button'
import { useMemo, useState } from 'react'
import { type Alarm, type AlarmCountsResponse, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { Choose, FilterBar } from '../../parts/filters'
import { whole } from '../../parts/figures'
import { useLive } from '../../parts/live'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { useFilters } from '../../parts/paged'
import { Shown } from '../../parts/states'
import { Table, useOptions } from '../../parts/table'
import { useSession } from '../../session'
import { useAgents, useNames } from '../catalog/agents'
import { AlarmTable, alarmColumns } from './alarm-table'
import { useKinds } from './kinds'
import { gradeColours, gradeNames } from './grades'
import { byUrgency, withNews } from './worklist'

const names = ['state', 'grade', 'kind', 'street', 'unit'] as const
const states = ['active', 'open', 'acknowledged', 'handled', 'withdrawn'] as const
const most = 1000
const step = 50

export default function Alarms() {
  const { t, text } = useWords()
  const { account, has } = useSession()
  const { filters, change, key } = useFilters(names)
  const agents = useAgents()
  const state = filters.state || 'active'
  const ask = { kind: filters.kind, street: filters.street, unit: filters.unit, state, grade: Math.max(0, gradeNames.indexOf(filters.grade as 'notice')) }
  const named = (of: typeof agents) => of.map((a) => ({ value: a.id, label: text(a.name) }))
  const ours = account?.department ?? ''
  return (
    <>
      <PageHead title={t('nav.alarmDesk')} about={t('alarms.about2')}>
        {ours && !has('operator') && (
          <Button aria-pressed={filters.unit === ours} onClick={() => change({ unit: filters.unit === ours ? '' : ours })}>
            {t('alarms.ours')}
          </Button>
        )}
      </PageHead>
      <Counts key={key} ask={ask} picked={filters.grade} onPick={(grade) => change({ grade: filters.grade === grade ? '' : grade })} />
      <Sheet>
        <FilterBar label={t('filter.title')}>
          <Choose label={t('dataset.state')} value={state === 'active' ? '' : state} all={t('alarmState.active')} options={useOptions('alarmState', states).slice(1)} onChange={(s) => change({ state: s })} />
          <Choose label={t('alarm.gradeLeast')} value={filters.grade} options={useOptions('alarmGrade', gradeNames.slice(1).toReversed())} onChange={(grade) => change({ grade })} />
          <Choose label={t('device.kind')} value={filters.kind} options={useKinds()} onChange={(kind) => change({ kind })} />
          <Choose label={t('device.street')} value={filters.street} options={named(agents.filter((a) => a.kind === 'street' || a.kind === 'town'))} onChange={(street) => change({ street })} />
          <Choose label={t('alarm.unit')} value={filters.unit} options={named(agents)} onChange={(unit) => change({ unit })} />
        </FilterBar>
        {state === 'active' || state === 'open' ? <Work key={key} ask={ask} /> : <AlarmTable name="alarms" filters={ask} />}
      </Sheet>
    </>
  )
}

type AlarmAsk = { kind: string; street: string; unit: string; state: string; grade: number }

/** Counts are the numbers of the desk: by grade, and what is past its time. Each narrows the list to itself. */
function Counts({ ask, picked, onPick }: { ask: AlarmAsk; picked: string; onPick: (grade: string) => void }) {
  const { t, word } = useWords()
  const counts = useLoad('alarm counts', (signal) => plinth.alarmCounts({ ...ask, grade: 0 }, { signal }))
  const n = (c: AlarmCountsResponse, grade: string) => c.byGrade?.[String(gradeNames.indexOf(grade as 'notice'))] ?? 0
  return (
    <Shown of={counts}>
      {(c) => (
        <ul className="numbers grades">
          {(['urgent', 'warning', 'notice'] as const).map((g) => (
            <li key={g}>
              <button type="button" aria-pressed={picked === g} style={{ borderLeftColor: gradeColours[g] }} onClick={() => onPick(g)}>
                <span>{word('alarmGrade', g)}</span>
                <b>{whole(n(c, g))}</b>
              </button>
            </li>
          ))}
          <li>
            <div className="cell">
              <span>{t('alarms.overdue')}</span>
              <b className={c.overdue ? 'is-late' : undefined}>{whole(c.overdue)}</b>
            </div>
          </li>
        </ul>
      )}
    </Shown>
  )
}

/** Work is what waits, the gravest and oldest first. News change a row in its place; new rows come when they are asked for. */
function Work({ ask }: { ask: AlarmAsk }) {
  const w = useWords()
  const { t } = w
  const agent = useNames()
  const [news, setNews] = useState(new Map<string, Alarm>())
  const [paused, setPaused] = useState(false)
  const [shown, setShown] = useState(step)
  const list = useLoad(`alarm work ${JSON.stringify(ask)}`, (signal) => plinth.listAlarms({ ...ask, pageSize: most }, { signal }), true)
  const open = useLive({ alarm: (a) => setNews((held) => new Map(held).set(a.id, a)) }, paused)
  const rows = useMemo(() => byUrgency(list.data?.alarms ?? []), [list.data])
  const now = withNews(rows, news)
  const fresh = [...news.keys()].filter((id) => !rows.some((a) => a.id === id)).length
  const show = () => {
    setNews(new Map())
    list.reload()
  }
  return (
    <Shown of={list}>
      {(a) => (
        <>
          <div className="acts" style={{ marginBottom: 8 }}>
            <span className={`tone ${open ? 'ok' : 'plain'}`}>{t(paused ? 'live.paused' : open ? 'live.open' : 'live.broken')}</span>
            <Button size="small" aria-pressed={paused} onClick={() => setPaused(!paused)}>
              {t(paused ? 'live.resume' : 'live.pause')}
            </Button>
            <span role="status">
              {fresh > 0 && (
                <button type="button" className="tone late" onClick={show}>
                  {t('alerts.news', { n: fresh })}
                </button>
              )}
            </span>
          </div>
          <Table name="alarm-work" label={t('nav.alarmDesk')} columns={alarmColumns(w, agent)} rows={now.slice(0, shown)} rowKey={(x) => x.id} empty={t('alarms.nothing')} />
          {now.length > shown && <Button onClick={() => setShown(shown + step)}>{t('alarms.more', { n: now.length - shown })}</Button>}
          {a.totalSize > most && <p className="quiet">{t('alarms.cut', { n: most, total: whole(a.totalSize) })}</p>}
        </>
      )}
    </Shown>
  )
}
