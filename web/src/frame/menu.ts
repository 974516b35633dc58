// The map of the console: what stands in the menu, and for whom. The API decides; the menu only spares a refusal.
import { type Key } from '../i18n'

export interface Place {
  path: string
  title: Key
  /** Who finds it in the menu; empty is everybody who is signed in. */
  roles: string[]
}
export interface Section {
  key: string
  title: Key
  places: Place[]
}

const catalogueRoles = ['steward', 'registrar', 'provider', 'auditor']
/** Who may list the evidence; anybody may follow one badge. */
export const recordRoles = ['auditor', 'steward', 'registrar', 'security', 'operator']
/** Who may read readings and events themselves; the others see states and incidents. */
export const rawRoles = ['steward', 'provider', 'operator', 'security', 'auditor']
/** Who may see the alarms that devices raise: they tell of people’s homes. */
export const alarmRoles = ['operator', 'provider', 'steward', 'security', 'auditor']
const useRoles = ['department', 'provider', 'analyst', 'auditor', 'security', 'steward']

export const sections: Section[] = [
  { key: 'overview', title: 'nav.overview', places: [{ path: '/', title: 'nav.overview', roles: [] }] },
  {
    key: 'catalog',
    title: 'nav.catalog',
    places: [
      { path: '/datasets', title: 'nav.datasets', roles: [] },
      { path: '/registrations', title: 'nav.registrations', roles: catalogueRoles },
      { path: '/open-lists', title: 'nav.openLists', roles: [] },
    ],
  },
  {
    key: 'use',
    title: 'nav.use',
    places: [
      { path: '/requests', title: 'nav.requests', roles: useRoles },
      { path: '/grants', title: 'nav.grants', roles: useRoles },
      { path: '/workbench', title: 'nav.workbench', roles: ['analyst'] },
      { path: '/decisions', title: 'nav.decisions', roles: ['analyst', 'department', 'provider', 'auditor', 'security', 'steward'] },
    ],
  },
  {
    key: 'sense',
    title: 'nav.sense',
    places: [
      { path: '/devices', title: 'nav.devices', roles: [] },
      { path: '/device-figures', title: 'nav.deviceFigures', roles: [] },
      { path: '/alarms', title: 'nav.alarmDesk', roles: alarmRoles },
      { path: '/permits', title: 'nav.permits', roles: ['operator', 'provider', 'auditor'] },
      { path: '/vitals', title: 'nav.vitals', roles: [] },
      { path: '/pipelines', title: 'nav.pipelines', roles: ['operator', 'steward', 'auditor'] },
      { path: '/runs', title: 'nav.runs', roles: ['operator', 'steward', 'auditor'] },
      { path: '/dead-letters', title: 'nav.deadLetters', roles: ['operator', 'steward'] },
      { path: '/import', title: 'nav.import', roles: ['operator'] },
    ],
  },
  {
    key: 'events',
    title: 'nav.events',
    places: [
      { path: '/incidents', title: 'nav.incidents', roles: [] },
      { path: '/trends', title: 'nav.trends', roles: [] },
    ],
  },
  {
    key: 'evidence',
    title: 'nav.evidence',
    places: [
      { path: '/evidence', title: 'nav.records', roles: recordRoles },
      { path: '/chain', title: 'nav.chain', roles: [] },
      { path: '/audits', title: 'nav.audits', roles: ['auditor', 'operator'] },
      { path: '/verify', title: 'nav.verify', roles: [] },
    ],
  },
  {
    key: 'security',
    title: 'nav.security',
    places: [
      { path: '/alerts', title: 'nav.alerts', roles: ['security', 'auditor'] },
      { path: '/consumers', title: 'nav.consumers', roles: ['security', 'auditor'] },
    ],
  },
  {
    key: 'system',
    title: 'nav.system',
    places: [
      { path: '/engines', title: 'nav.engines', roles: [] },
      { path: '/accounts', title: 'nav.accounts', roles: ['operator', 'security'] },
      { path: '/tokens', title: 'nav.tokens', roles: [] },
    ],
  },
]

/** menuFor is the sections with only the places that the roles may use. */
export function menuFor(roles: string[]): Section[] {
  return sections
    .map((s) => ({ ...s, places: s.places.filter((p) => p.roles.length === 0 || p.roles.some((r) => roles.includes(r))) }))
    .filter((s) => s.places.length > 0)
}

/** placeOf finds the menu entry that an address belongs to: the longest path that begins it. */
export function placeOf(pathname: string): Place | undefined {
  return sections
    .flatMap((s) => s.places)
    .filter((p) => pathname === p.path || (p.path !== '/' && pathname.startsWith(`${p.path}/`)))
    .sort((a, b) => b.path.length - a.path.length)[0]
}
