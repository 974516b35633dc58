import { useWords } from '../../i18n'
import { Facts } from '../../parts/page'
import { Note } from '../../parts/states'
import { factsOf } from './facts'
import { type Verified } from './verifier'

/** VerdictShown says the word first, then what was looked at, and as plainly what was not. */
export function VerdictShown({ v }: { v: Verified }) {
  const w = useWords()
  const { t, word } = w
  const { verdict, trust } = v
  const facts = factsOf(w, verdict.facts)
  const about = word('verdictAbout', verdict.word)
  return (
    <>
      <Note tone={verdict.proven ? 'ok' : 'late'} title={<span className="verdict">{word('verdict', verdict.word)}</span>}>
        {about !== verdict.word && <p>{about}</p>}
        {verdict.fault && <Fault of={verdict.fault} />}
      </Note>
      <p className="quiet">{trust ? t('verify.againstOwn', { name: trust.name }) : t('verify.againstService')}</p>
      <h3>{t('verify.checked')}</h3>
      <Checks of={verdict.checked} family="check" none={t('verify.nothing')} />
      <h3>{t('verify.notChecked')}</h3>
      <Checks of={verdict.notChecked} family="notChecked" none={t('verify.nothing')} />
      {facts.length > 0 && (
        <>
          <h3 style={{ marginBottom: 6 }}>{t('verify.facts')}</h3>
          {!verdict.proven && <p className="quiet">{t('verify.unproven')}</p>}
          <Facts of={facts.map(([name, value]) => [name, <code key={name}>{value}</code>])} />
        </>
      )}
    </>
  )
}

/** Fault names the part that does not hold, and why. */
export function Fault({ of }: { of: NonNullable<Verified['verdict']['fault']> }) {
  const { t, word } = useWords()
  return (
    <p>
      {of.part && (
        <>
          {t('verify.fault')} <b className="fault-part">{word('part', of.part)}</b>
          {of.org && ` (${of.org})`}:{' '}
        </>
      )}
      {of.reason}
    </p>
  )
}

export function Checks({ of, family, none }: { of: string[]; family: string; none: string }) {
  const { word } = useWords()
  return <ul>{of.length > 0 ? of.map((c) => <li key={c}>{word(family, c)}</li>) : <li className="quiet">{none}</li>}</ul>
}
