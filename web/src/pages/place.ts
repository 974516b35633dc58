/** safePlace keeps only addresses of this console: a foreign one must not be reachable through the sign-in. */
export function safePlace(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/'
}
