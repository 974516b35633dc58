// The form of a device: what is typed, and what is sent of it.
import { type Device, type Position } from '../../api/plinth'
import { day, startOfDay } from '../../parts/time'

export const systems = ['wgs84', 'gcj02', 'bd09', 'cgcs2000', 'cgcs2000_gk3', 'shanghai'] as const
export const codecs = ['json', 'senml', 'cbor', 'plain', 'sparkplug'] as const
/** Systems that count in metres take an easting and a northing. */
export const inMetres = (system: string) => system === 'cgcs2000_gk3' || system === 'shanghai'

export interface DeviceForm {
  id: string
  kind: string
  nameZh: string
  nameEn: string
  owner: string
  street: string
  grid: string
  site: string
  system: string
  x?: number | null
  y?: number | null
  intervalS: number
  codec: string
  maker: string
  model: string
  installed: string
  calibrated: string
  calibrationDue: string
  twins: string
  attrs: string
}

export const blankDevice: DeviceForm = {
  id: '', kind: '', nameZh: '', nameEn: '', owner: '', street: '', grid: '', site: '', system: 'wgs84', intervalS: 10, codec: 'json', maker: '', model: '',
  installed: '', calibrated: '', calibrationDue: '', twins: '', attrs: '',
}

/** formOf is a device as the form shows it; positions come back in WGS 84, whatever they were given in. */
export function formOf(d: Device): DeviceForm {
  return {
    ...blankDevice,
    id: d.id, kind: d.kind, nameZh: d.name?.zh ?? '', nameEn: d.name?.en ?? '', owner: d.owner, street: d.street, grid: d.grid, site: d.site,
    x: d.longitude || null, y: d.latitude || null, intervalS: d.intervalS, codec: d.codec || 'json', maker: d.maker, model: d.model,
    installed: day(d.installed), calibrated: day(d.calibrated), calibrationDue: day(d.calibrationDue), twins: d.twins,
    attrs: Object.entries(d.attrs ?? {}).map(([name, value]) => `${name}=${value}`).join('\n'),
  }
}

/** readAttrs reads lines of name=value; a line without a name or a sign is a fault, told by its number. */
export function readAttrs(text: string): { attrs: Record<string, string>; fault: number } {
  const attrs: Record<string, string> = {}
  for (const [n, line] of text.split('\n').entries()) {
    if (!line.trim()) continue
    const at = line.indexOf('=')
    const name = line.slice(0, Math.max(at, 0)).trim()
    if (!/^[a-z][a-z0-9_]*$/.test(name)) return { attrs, fault: n + 1 }
    attrs[name] = line.slice(at + 1).trim()
  }
  return { attrs, fault: 0 }
}

const time = (date: string) => (date ? new Date(startOfDay(date)).toISOString() : undefined)

function placeOf(v: DeviceForm): { longitude?: number; latitude?: number; position?: Position } {
  if (typeof v.x !== 'number' || typeof v.y !== 'number') return {}
  return v.system === 'wgs84' ? { longitude: v.x, latitude: v.y } : { position: { system: v.system, x: v.x, y: v.y } }
}

/** deviceOf is what is sent. */
export function deviceOf(v: DeviceForm): Partial<Device> {
  const trimmed = (s: string | undefined) => (s ?? '').trim()
  return {
    id: trimmed(v.id), kind: v.kind, name: { zh: trimmed(v.nameZh), en: trimmed(v.nameEn) }, owner: v.owner, street: v.street, grid: trimmed(v.grid),
    site: trimmed(v.site), ...placeOf(v), intervalS: v.intervalS, codec: v.codec === 'json' ? '' : v.codec, maker: trimmed(v.maker), model: trimmed(v.model),
    installed: time(v.installed), calibrated: time(v.calibrated), calibrationDue: time(v.calibrationDue), twins: trimmed(v.twins), attrs: readAttrs(v.attrs ?? '').attrs,
  }
}

/** changedMask names the fields in which two devices differ, as the API's field mask does. */
export function changedMask(before: Partial<Device>, after: Partial<Device>): string {
  const names: (keyof Device)[] = ['name', 'owner', 'street', 'grid', 'site', 'longitude', 'latitude', 'position', 'intervalS', 'codec', 'maker', 'model', 'installed', 'calibrated', 'calibrationDue', 'twins', 'attrs']
  return names.filter((n) => JSON.stringify(before[n] ?? null) !== JSON.stringify(after[n] ?? null)).join(',')
}
