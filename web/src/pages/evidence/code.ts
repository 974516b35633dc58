// Short codes: what stands for a record on paper and in a QR (图码链). The service finds a record by them; they prove nothing.

/** shortCode reads a code as people type it, e.g. "7f3k 09qx zt4m p2ha", and gives it in its one form, or "" when it is none. */
export function shortCode(typed: string): string {
  const plain = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
  return /^[0-9A-HJKMNP-TV-Z]{16}$/.test(plain) ? (plain.match(/.{4}/g) ?? []).join('-') : ''
}

/** codeOf finds the short code in what a QR says: the address of a verification page, or the code alone. `host` is the page's service. */
export function codeOf(scanned: string): { code: string; host: string } | null {
  const bare = shortCode(scanned)
  if (bare) return { code: bare, host: '' }
  try {
    const at = new URL(scanned.trim())
    const code = shortCode(decodeURIComponent(at.pathname.match(/\/v\/([^/]+)$/)?.[1] ?? ''))
    return code && /^https?:$/.test(at.protocol) ? { code, host: at.host } : null
  } catch {
    return null
  }
}

/** verifyAddress is what a record's QR says: the public page that fetches its receipt and verifies it. */
export function verifyAddress(origin: string, code: string): string {
  return `${origin}/v/${code}`
}
