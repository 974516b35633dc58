// Who is signed in. The token lives in this tab alone; a lost one leads to the sign-in page and back to the same place.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react'
import { carry } from '../api/call'
import { type Account, plinth } from '../api/plinth'

export interface Session {
  /** undefined while the kept token is being checked, null when nobody is signed in. */
  account: Account | null | undefined
  /** True when the session ended without the user asking for it. */
  lost: boolean
  signIn: (login: string, password: string) => Promise<void>
  signOut: () => Promise<void>
  has: (...roles: string[]) => boolean
}

const stored = 'plinth.token'
const Context = createContext<Session | null>(null)

export function SessionProvider({ children }: { children: ReactNode }) {
  const [account, setAccount] = useState<Account | null | undefined>(() => (sessionStorage.getItem(stored) ? undefined : null))
  const [lost, setLost] = useState(false)

  const forget = useCallback((unasked: boolean) => {
    sessionStorage.removeItem(stored)
    carry('', () => {})
    setLost(unasked)
    setAccount(null)
  }, [])

  useEffect(() => {
    const token = sessionStorage.getItem(stored)
    if (!token) return
    carry(token, () => forget(true))
    // Any other failure than a refused token is shown by the page that the user then meets.
    plinth.me().then(setAccount, () => forget(true))
  }, [forget])

  const session = useMemo<Session>(
    () => ({
      account,
      lost,
      signIn: async (login, password) => {
        const answer = await plinth.signIn({ login, password })
        sessionStorage.setItem(stored, answer.token)
        carry(answer.token, () => forget(true))
        setLost(false)
        setAccount(answer.account ?? (await plinth.me()))
      },
      signOut: async () => {
        // The pages go first: what they still ask would come after the token's end.
        const token = sessionStorage.getItem(stored) ?? ''
        forget(false)
        await plinth.signOut({}, { token }).catch(() => {})
      },
      has: (...roles) => roles.some((r) => account?.roles?.includes(r)),
    }),
    [account, lost, forget],
  )
  return <Context value={session}>{children}</Context>
}

export function useSession(): Session {
  const session = useContext(Context)
  if (!session) throw new Error('useSession outside SessionProvider')
  return session
}
