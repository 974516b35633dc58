import { type KeyboardEvent, useMemo } from 'react'
import { plinth } from '../api/plinth'
import { useWords } from '../i18n'
import { type Dot, DotLayer } from './dots'
import { type Area, middle, outline, project, readAreas } from './geo'
import { whole } from './figures'
import { useLoad } from './load'
import { Shown } from './states'

export type { Dot } from './dots'
export interface LegendItem {
  colour: string
  word: string
  /** How many there are; with onPress the item is a button that narrows to them. */
  count?: number
  pressed?: boolean
  onPress?: () => void
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
  /** A click on a dot. */
  onDot?: (id: string) => void
  legend: LegendItem[]
  /** What can be picked: grids, or whole streets. */
  by?: 'grid' | 'street'
}

/** District is the map: the district's own polygons, no tiles. A click or Enter on a grid picks it, again lets it go. */
export function District(props: Props) {
  const map = useLoad('map', async (signal) => readAreas((await plinth.getMap({}, { signal })).geojson))
  return <Shown of={map}>{(areas) => <Drawing {...props} areas={areas} />}</Shown>
}

const noDots: Dot[] = []

function Drawing({ label, fill, about, picked, onPick, dots = noDots, onDot, legend, by = 'grid', areas }: Props & { areas: Area[] }) {
  const { t, language } = useWords()
  const view = useMemo(() => project(areas, 640), [areas])
  const { width, height, at } = view
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
      <DotLayer dots={dots} view={view} onDot={onDot}>
        <svg className="district" viewBox={`0 0 ${width} ${height}`} role="group" aria-label={label}>
          {(by === 'grid' && grids.length ? grids : streets).map((a) => {
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
          {streets.map((a) => {
            const [x, y] = middle(a, at)
            return (
              <text key={a.id} x={x} y={y} aria-hidden="true">
                {name(a)}
              </text>
            )
          })}
        </svg>
      </DotLayer>
      <ul className="legend">
        {legend.map((l) => (
          <li key={l.word}>
            <LegendEntry of={l} />
          </li>
        ))}
        <li>{t('map.note')}</li>
      </ul>
    </>
  )
}

function LegendEntry({ of: l }: { of: LegendItem }) {
  const inside = (
    <>
      <i style={{ background: l.colour }} />
      {l.word}
      {l.count !== undefined && <b> {whole(l.count)}</b>}
    </>
  )
  if (!l.onPress) return inside
  return (
    <button type="button" aria-pressed={l.pressed ?? false} onClick={l.onPress}>
      {inside}
    </button>
  )
}
