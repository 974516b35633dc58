import { type Agent, plinth } from '../../api/plinth'
import { useLoad } from '../../parts/load'

const none: Agent[] = []

/** useAgents is the departments, streets and towns; empty until they have come. */
export function useAgents(): Agent[] {
  return useLoad('agents', async (signal) => (await plinth.listAgents({}, { signal })).agents ?? []).data ?? none
}
