// The values that the catalogue knows, in the order they are offered.

export const grades = ['general', 'important', 'core'] as const
export const opennesses = ['unconditional', 'conditional', 'closed'] as const
export const frequencies = ['realtime', 'daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'irregular'] as const
export const fieldTypes = ['string', 'integer', 'decimal', 'boolean', 'date', 'datetime'] as const
export const sensitivities = ['none', 'personal', 'sensitive'] as const
export const datasetStates = ['draft', 'submitted', 'returned', 'accepted', 'in_review', 'public_notice', 'registered', 'rejected', 'expired'] as const
export const themes = [
  'city-operation', 'public-safety', 'environment', 'construction', 'market', 'civil-affairs', 'housing', 'health', 'culture', 'transport',
] as const
