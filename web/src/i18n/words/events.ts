import { type Phrases } from './phrases'

export const events = {} satisfies Phrases
