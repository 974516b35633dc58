import { useEffect, useMemo } from 'react'
import { useNavigate } from 'react-router'
import { type DevicePlace, plinth } from '../../api/plinth'
import { alarmRoles } from '../../frame/menu'
import { useWords } from '../../i18n'
import { District, type Dot } from '../../parts/district'
import { useLoad } from '../../parts/load'
import { useSession } from '../../session'
import { gradeColours, gradeName, liveColours, tally, worstByDevice } from './grades'

export const livenesses = ['online', 'late', 'offline', 'never'] as const
const again = 30_000

/** usePlaces is where all devices are and how they do, asked again every half minute. */
function usePlaces(kind: string, query: string) {
  const places = useLoad(`places ${kind} ${query}`, async (signal) => (await plinth.listPlaces({ kind, query }, { signal })).places ?? [], true)
  useEffect(() => {
    const turn = setInterval(places.reload, again)
    return () => clearInterval(turn)
  }, [places.reload])
  return places.data
}

/** useGrades is the worst standing alarm of each device, for those who may know. */
function useGrades(): Record<string, number> {
  const { has } = useSession()
  const may = has(...alarmRoles)
  const alarms = useLoad(may ? 'active alarms' : '', async (signal) => (await plinth.listAlarms({ state: 'active', pageSize: 1000 }, { signal })).alarms ?? [], true)
  return useMemo(() => worstByDevice(alarms.data ?? []), [alarms.data])
}

interface Props {
  filters: { kind: string; query: string; street: string; liveness: string }
  change: (to: { street?: string; liveness?: string }) => void
}

/** DeviceMap shows every device that the filters leave, by its worst alarm, or else by whether it reports. */
export function DeviceMap({ filters, change }: Props) {
  const { t, word } = useWords()
  const navigate = useNavigate()
  const places = usePlaces(filters.kind, filters.query)
  const grades = useGrades()
  const { street, liveness } = filters
  const near = useMemo(() => (places ?? []).filter((p) => !street || p.street === street), [places, street])
  const dots = useDots(near, liveness, grades)
  const byStreet = useMemo(() => tally(places ?? [], (p) => p.street), [places])
  const byState = useMemo(() => tally(near, (p) => p.liveness), [near])
  const byGrade = useMemo(() => tally(near, (p) => gradeName(grades[p.id] ?? 0)), [near, grades])
  return (
    <District
      label={t('devices.map')}
      by="street"
      fill={(a) => (a.id === street ? '#cfe1f4' : '#f3f5f7')}
      about={(a) => t('devices.count', { n: byStreet[a.id] ?? 0 })}
      picked={street}
      onPick={(id) => change({ street: id })}
      dots={dots}
      onDot={(id) => void navigate(`/devices/${id}`)}
      legend={[
        ...livenesses.map((l) => ({
          colour: liveColours[l] ?? '',
          word: word('liveness', l),
          count: byState[l] ?? 0,
          pressed: liveness === l,
          onPress: () => change({ liveness: liveness === l ? '' : l }),
        })),
        ...(['urgent', 'warning', 'notice'] as const).filter((g) => byGrade[g]).map((g) => ({
          colour: gradeColours[g] ?? '',
          word: t('devices.withAlarm', { grade: word('alarmGrade', g) }),
          count: byGrade[g] ?? 0,
          pressed: false,
          onPress: () => void navigate(`/alarms?grade=${g}${street ? `&street=${street}` : ''}`),
        })),
      ]}
    />
  )
}

function useDots(places: DevicePlace[], liveness: string, grades: Record<string, number>): Dot[] {
  const { text, word } = useWords()
  return useMemo(
    () =>
      places
        .filter((p) => (p.longitude || p.latitude) && (!liveness || p.liveness === liveness))
        .map((p): Dot & { grade: number } => {
          const grade = grades[p.id] ?? 0
          const name = gradeName(grade)
          return {
            id: p.id,
            longitude: p.longitude,
            latitude: p.latitude,
            grade,
            colour: (grade ? gradeColours[name] : liveColours[p.liveness]) ?? '',
            radius: grade ? 5 : places.length > 2000 ? 2 : 3.2,
            label: `${text(p.name) || p.id} · ${grade ? word('alarmGrade', name) : word('liveness', p.liveness)}`,
          }
        })
        .sort((a, b) => a.grade - b.grade),
    [places, liveness, grades, text, word],
  )
}
