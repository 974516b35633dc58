import { plinth, type Purpose } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'

const none: Purpose[] = []

export function usePurposes(): Purpose[] {
  return useLoad('purposes', async (signal) => (await plinth.listPurposes({}, { signal })).purposes ?? []).data ?? none
}

/** usePurposeName names a purpose by its id; an unknown one keeps its id. */
export function usePurposeName(): (id: string) => string {
  const { text } = useWords()
  const purposes = usePurposes()
  return (id) => text(purposes.find((p) => p.id === id)?.name) || id
}
