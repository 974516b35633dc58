import Button from 'antd/es/button'
import { useLoad } from '../../parts/load'
import { useWords } from '../../i18n'
import { Facts } from '../../parts/page'
import { second } from '../../parts/time'
import { factsOf } from './facts'
import { Checks, Fault } from './verdict'
import { nameOf, type Verified } from './verifier'

/** digest is the SHA-256 of what was verified, so that the paper names the file; browsers give it only on secure pages. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!crypto.subtle) return ''
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(sum, (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Report is the verdict on paper, for a file: 存证核验报告. */
export function Report({ of, close }: { of: Verified; close: () => void }) {
  const w = useWords()
  const { t, word } = w
  const { evidence, verdict, trust, at } = of
  const sum = useLoad(`digest ${at} ${evidence.name}`, () => digest(evidence.bytes))
  return (
    <>
      <div className="acts no-print" style={{ marginBottom: 12 }}>
        <Button type="primary" onClick={() => window.print()}>
          {t('report.print')}
        </Button>
        <Button onClick={close}>{t('report.close')}</Button>
      </div>
      <article className="report">
        <h1>{t('report.title')}</h1>
        <p className="report-verdict">{word('verdict', verdict.word)}</p>
        {verdict.fault && <Fault of={verdict.fault} />}
        <h2>{t('report.object')}</h2>
        <Facts
          of={[
            [t('report.file'), evidence.name || t('report.pasted')],
            [t('report.form'), nameOf(evidence, t)],
            [t('report.bytes'), String(evidence.bytes.length)],
            ['SHA-256', sum.data ? <code key="s">{sum.data}</code> : t('report.noDigest')],
            [t('report.at'), `${second(at)} (Asia/Shanghai, ${t('report.ownClock')})`],
            [t('report.roots'), trust ? trust.name : t('report.serviceRoots')],
          ]}
        />
        <h2>{t('verify.checked')}</h2>
        <Checks of={verdict.checked} family="check" none={t('verify.nothing')} />
        <h2>{t('verify.notChecked')}</h2>
        <Checks of={verdict.notChecked} family="notChecked" none={t('verify.nothing')} />
        <h2>{t('verify.facts')}</h2>
        <Facts of={factsOf(w, verdict.facts).map(([name, value]) => [name, <code key={name}>{value}</code>])} />
        <h2>{t('report.how')}</h2>
        <p>{t('report.howText')}</p>
        <div className="signatures">
          <p>{t('report.by')}</p>
          <p>{t('report.date')}</p>
        </div>
      </article>
    </>
  )
}
