import { plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { type Option } from '../../parts/filters'
import { useLoad } from '../../parts/load'

const shipped = ['lift', 'water_meter', 'water_quality', 'heritage_building', 'construction_noise'] as const

/** useKinds is every kind of device that the service knows, as choices of a list. */
export function useKinds(): Option[] {
  const { text, word } = useWords()
  const packs = useLoad('packs', async (signal) => (await plinth.listPacks({}, { signal })).packs ?? [])
  if (!packs.data?.length) return shipped.map((kind) => ({ value: kind, label: word('deviceKind', kind) }))
  return packs.data.map((p) => ({ value: p.kind, label: text(p.name) || word('deviceKind', p.kind) }))
}
