import { useWords } from '../../i18n'

/** DrillResult shows what a tamper drill damaged, and whether the audit found it. */
export function DrillResult({ of }: { of: Record<string, unknown> }) {
  const { t } = useWords()
  return (
    <details open>
      <summary>{t('drill.result')}</summary>
      <pre className="mono scroll" tabIndex={0}>{JSON.stringify(of, null, 2)}</pre>
    </details>
  )
}
