// The form of a permit, and how a permit stands at a moment.
import { type Permit } from '../../api/plinth'
import { type Key } from '../../i18n'

export const blankPermit = { id: '', kind: 'night_work', site: '', street: '', from: '', to: '', issuer: '' }
export type PermitForm = typeof blankPermit

/** Times are typed as the clocks of Shanghai show them. */
const instant = (local: string) => new Date(`${local}+08:00`)

/** faultOf is what a form lacks yet; empty when it can be sent. */
export function faultOf(v: PermitForm): Key | '' {
  if (!v.id.trim() || !v.site.trim()) return 'permit.needs'
  if (!v.from || !v.to) return 'permit.needsTimes'
  return instant(v.from) < instant(v.to) ? '' : 'permit.order'
}

export function permitOf(v: PermitForm): Permit {
  return { ...v, id: v.id.trim(), site: v.site.trim(), issuer: v.issuer.trim(), from: instant(v.from).toISOString(), to: instant(v.to).toISOString(), revoked: false }
}

/** standing is whether a permit excuses anything now. */
export function standing(p: Pick<Permit, 'from' | 'to' | 'revoked'>, now: Date): 'revoked' | 'coming' | 'inForce' | 'over' {
  if (p.revoked) return 'revoked'
  if (Date.parse(p.from ?? '') > now.getTime()) return 'coming'
  return Date.parse(p.to ?? '') < now.getTime() ? 'over' : 'inForce'
}
