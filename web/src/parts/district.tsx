import { type KeyboardEvent, useMemo } from 'react'
import { plinth } from '../api/plinth'
import { useWords } from '../i18n'
import { type Area, middle, outline, project, readAreas } from './geo'
import { useLoad } from './load'
import { Shown } from './states'

export interface Dot {
  id: string
  longitude: number
  latitude: number
  colour: string
  label: string
  radius?: number
}
export interface LegendItem {
  colour: string
  word: string
}

interface Props {
  label: string
  /** The colour of a grid, or of a street where there are no grids. */
  fill: (area: Area) => string
  /** What is told of an area besides its name. */
  about: (area: Area) => string
  picked: string
  onPick: (id: string, area: Area) => void
  dots?: Dot[]
  legend: LegendItem[]
}

/** District is the map: the district's own polygons, no tiles. A click or Enter on a grid picks it, again lets it go. */
export function District(props: Props) {
  const map = useLoad('map', async (signal) => readAreas((await plinth.getMap({}, { signal })).geojson))
  return <Shown of={map}>{(areas) => <Drawing {...props} areas={areas} />}</Shown>
}

function Drawing({ label, fill, about, picked, onPick, dots, legend, areas }: Props & { areas: Area[] }) {
  const { t, language } = useWords()
  const { width, height, at } = useMemo(() => project(areas, 640), [areas])
  const grids = areas.filter((a) => a.kind === 'grid')
  const streets = areas.filter((a) => a.kind === 'street')
  const name = (a: Area) => (language === 'zh' ? a.name : a.nameEn)
  const pick = (a: Area) => onPick(a.id === picked ? '' : a.id, a)
  const press = (a: Area) => (e: KeyboardEvent) => {
    if (e.key !== 'Enter' && e.key !== ' ') return
    e.preventDefault()
    pick(a)
  }
  return (
    <>
      <svg className="district" viewBox={`0 0 ${width} ${height}`} role="group" aria-label={label}>
        {(grids.length ? grids : streets).map((a) => {
          const words = `${name(a)}: ${about(a)}`
          return (
            <path
              key={a.id}
              className="area"
              d={outline(a, at)}
              fill={fill(a)}
              role="button"
              tabIndex={0}
              aria-label={words}
              aria-pressed={a.id === picked}
              onClick={() => pick(a)}
              onKeyDown={press(a)}
            >
              <title>{words}</title>
            </path>
          )
        })}
        {streets.map((a) => (
          <path key={a.id} className="street" d={outline(a, at)} />
        ))}
        {dots?.map((d) => {
          const [x, y] = at(d.longitude, d.latitude)
          return (
            <circle key={d.id} cx={x} cy={y} r={d.radius ?? 3} fill={d.colour} stroke="#fff" strokeWidth="0.8" pointerEvents="none">
              <title>{d.label}</title>
            </circle>
          )
        })}
        {streets.map((a) => {
          const [x, y] = middle(a, at)
          return (
            <text key={a.id} x={x} y={y} aria-hidden="true">
              {name(a)}
            </text>
          )
        })}
      </svg>
      <ul className="legend">
        {legend.map((l) => (
          <li key={l.word}>
            <i style={{ background: l.colour }} />
            {l.word}
          </li>
        ))}
        <li>{t('map.note')}</li>
      </ul>
    </>
  )
}
