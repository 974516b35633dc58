// The console's two languages: every phrase stands in both, side by side, in words/*.ts.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { type Text } from '../api/plinth'
import { unitSign } from '../parts/figures'
import { chineseReason } from './reasons'
import { words } from './words'

export type Language = 'zh' | 'en'
export type Key = keyof typeof words
type Values = Record<string, string | number>

export interface Words {
  language: Language
  setLanguage: (l: Language) => void
  /** t is the phrase of a key, with {name} filled from values. */
  t: (key: Key, values?: Values) => string
  /** word is the phrase of a value of the API, e.g. word('state', 'draft'); a value without a phrase is shown as it is. */
  word: (family: string, value: string) => string
  /** text picks the language of a metadata value, or the other one when it is empty. */
  text: (value: Text | null | undefined) => string
  /** unit is a unit of UCUM as people write it; its annotations, such as {floor}, are words. */
  unit: (ucum: string) => string
  /** reason is what the service said of a reading or a row that it cannot use. */
  reason: (said: string) => string
}

export function phrase(language: Language, key: Key, values?: Values): string {
  const found = words[key][language === 'zh' ? 0 : 1]
  return values ? found.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all)) : found
}

export function wordOf(language: Language, family: string, value: string): string {
  const key = `${family}.${value}`
  return value && key in words ? phrase(language, key as Key) : value
}

export function unitOf(language: Language, ucum: string): string {
  return ucum.startsWith('{') ? wordOf(language, 'unit', ucum.replace(/[{}]/g, '')) : unitSign(ucum)
}

export function textOf(language: Language, value: Text | null | undefined): string {
  if (!value) return ''
  return language === 'zh' ? value.zh || value.en : value.en || value.zh
}

const stored = 'plinth.language'

function firstLanguage(): Language {
  const kept = localStorage.getItem(stored)
  return kept === 'en' || kept === 'zh' ? kept : 'zh'
}

const Context = createContext<Words | null>(null)

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage)
  useEffect(() => {
    localStorage.setItem(stored, language)
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  }, [language])
  const value = useMemo<Words>(
    () => ({
      language,
      setLanguage,
      t: (key, values) => phrase(language, key, values),
      word: (family, v) => wordOf(language, family, v),
      text: (v) => textOf(language, v),
      unit: (u) => unitOf(language, u),
      reason: (said) => (language === 'zh' ? chineseReason(said) : said),
    }),
    [language],
  )
  return <Context value={value}>{children}</Context>
}

export function useWords(): Words {
  const words = useContext(Context)
  if (!words) throw new Error('useWords outside LanguageProvider')
  return words
}
