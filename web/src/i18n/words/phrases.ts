/** Phrases is what every file of this folder holds: under each key the Chinese and the English. */
export type Phrases = Record<string, readonly [zh: string, en: string]>
