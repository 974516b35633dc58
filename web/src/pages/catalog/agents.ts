import { useCallback, useMemo } from 'react'
import { type Agent, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'

const none: Agent[] = []
const fresh = 300_000
let held: { at: number; agents: Promise<Agent[]> } | null = null

/** ask asks for them once in five minutes: every row of a table may want a name. */
function ask(): Promise<Agent[]> {
  if (held && Date.now() - held.at < fresh) return held.agents
  const agents = plinth.listAgents({}).then((a) => a.agents ?? [])
  held = { at: Date.now(), agents }
  agents.catch(() => (held = null))
  return agents
}

/** useAgents is the departments, streets and towns; empty until they have come. */
export function useAgents(): Agent[] {
  return useLoad('agents', ask).data ?? none
}

/** Named is an agent's name in the language of the page; `otherwise` stands for it where it is not known. */
export type Named = (id: string | undefined, otherwise?: string) => string

export function useNames(): Named {
  const { text } = useWords()
  const agents = useAgents()
  const names = useMemo(() => new Map(agents.map((a) => [a.id, text(a.name)])), [agents, text])
  return useCallback((id = '', otherwise = '') => names.get(id) || otherwise || id, [names])
}
