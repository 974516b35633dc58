import { type Phrases } from './phrases'

export const sense = {} satisfies Phrases
