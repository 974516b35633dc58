import { useWords } from '../i18n'

const sizes = [
  [86_400, 'span.days'],
  [3600, 'span.hours'],
  [60, 'span.minutes'],
] as const

/** useSpan tells a number of seconds in the largest unit that divides it. */
export function useSpan(): (seconds: number) => string {
  const { t } = useWords()
  return (seconds) => {
    const [size, key] = sizes.find(([s]) => seconds >= s && seconds % s === 0) ?? [1, 'device.seconds' as const]
    return t(key, { n: seconds / size })
  }
}
