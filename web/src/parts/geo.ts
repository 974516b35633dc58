// The district's polygons, drawn by ourselves: a plain equirectangular projection is enough for twelve kilometres.

export interface Area {
  id: string
  kind: 'street' | 'grid'
  name: string
  nameEn: string
  street: string
  rings: [number, number][][]
}

interface Feature {
  properties?: Record<string, string>
  geometry?: { type: string; coordinates: unknown }
}

/** readAreas takes the polygons of a GeoJSON text (RFC 7946) and passes over whatever else it holds. */
export function readAreas(geojson: string): Area[] {
  const { features = [] } = JSON.parse(geojson) as { features?: Feature[] }
  return features.flatMap(({ properties: p, geometry: g }) => {
    if (!p?.id || !g) return []
    const rings = g.type === 'Polygon' ? (g.coordinates as [number, number][][]) : g.type === 'MultiPolygon' ? (g.coordinates as [number, number][][][]).flat() : []
    return [{ id: p.id, kind: p.kind === 'street' ? 'street' : 'grid', name: p.name ?? p.id, nameEn: p.name_en || p.name || p.id, street: p.street ?? '', rings }] satisfies Area[]
  })
}

export interface Projection {
  width: number
  height: number
  at: (longitude: number, latitude: number) => [x: number, y: number]
}

/** project fits the areas into a width; latitude is stretched so that distances look right. */
export function project(areas: Area[], width: number): Projection {
  const points = areas.flatMap((a) => a.rings.flat())
  if (points.length === 0) return { width, height: width * 0.75, at: () => [0, 0] }
  const xs = points.map((p) => p[0])
  const ys = points.map((p) => p[1])
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const squeeze = Math.cos(((south + north) / 2) * (Math.PI / 180))
  const margin = 10
  const scale = (width - 2 * margin) / ((east - west) * squeeze || 1)
  return {
    width,
    height: Math.round((north - south) * scale + 2 * margin),
    at: (longitude, latitude) => [margin + (longitude - west) * squeeze * scale, margin + (north - latitude) * scale],
  }
}

/** outline is an area's rings as an SVG path. */
export function outline(area: Area, at: Projection['at']): string {
  return area.rings
    .map((ring) => `M${ring.map(([x, y]) => at(x, y).map((n) => n.toFixed(1)).join(',')).join('L')}Z`)
    .join('')
}

/** middle is where an area's name stands: the mean of its corners. */
export function middle(area: Area, at: Projection['at']): [number, number] {
  const ring = (area.rings[0] ?? []).slice(0, -1)
  const sum = ring.reduce<[number, number]>(([x, y], p) => [x + p[0], y + p[1]], [0, 0])
  return at(sum[0] / (ring.length || 1), sum[1] / (ring.length || 1))
}

/** Spot is something at a place of the drawing. */
export interface Spot {
  x: number
  y: number
}

const cell = 16
const cellOf = (x: number, y: number) => `${Math.floor(x / cell)} ${Math.floor(y / cell)}`

/** indexSpots sorts spots into cells, so that the nearest of ten thousand is found at each move of the pointer. */
export function indexSpots<S extends Spot>(spots: S[]): Map<string, S[]> {
  const index = new Map<string, S[]>()
  for (const s of spots) {
    const key = cellOf(s.x, s.y)
    const held = index.get(key)
    if (held) held.push(s)
    else index.set(key, [s])
  }
  return index
}

/** nearestSpot is the spot nearest to a place and at most `within` away; of equals the later one, which lies above. */
export function nearestSpot<S extends Spot>(index: Map<string, S[]>, x: number, y: number, within: number): S | null {
  let best: S | null = null
  let least = within * within
  const around = Math.ceil(within / cell)
  for (let i = -around; i <= around; i++) {
    for (let j = -around; j <= around; j++) {
      for (const s of index.get(cellOf(x + i * cell, y + j * cell)) ?? []) {
        const far = (s.x - x) ** 2 + (s.y - y) ** 2
        if (far <= least) [best, least] = [s, far]
      }
    }
  }
  return best
}
