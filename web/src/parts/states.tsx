import Button from 'antd/es/button'
import { type ReactNode } from 'react'
import { Link } from 'react-router'
import { ApiError } from '../api/call'
import { type EvidenceRef } from '../api/plinth'
import { type Key, useWords } from '../i18n'
import { type Tone, toneOf } from './tones'

/** State is a value of the API as its word with its colour. */
export function State({ family, value }: { family: string; value: string }) {
  const { word } = useWords()
  return value ? <span className={`tone ${toneOf(value)}`}>{word(family, value)}</span> : null
}

/** Evidence tells how far a fact's evidence has come, and leads to it. */
export function Evidence({ of }: { of: EvidenceRef | null | undefined }) {
  const { t, word } = useWords()
  if (!of?.recordId) return <span className="quiet">{t('evidence.none')}</span>
  return (
    <Link className={`tone ${toneOf(of.state)}`} to={`/evidence/${of.recordId}`} title={t('evidence.open')}>
      {word('evidence', of.state)}
    </Link>
  )
}

export function Loading() {
  const { t } = useWords()
  return (
    <p className="loading" role="status">
      {t('state.loading')}
    </p>
  )
}

export function Note({ tone, title, children }: { tone: Tone; title?: ReactNode; children?: ReactNode }) {
  return (
    <div className={`note ${tone}`} role={tone === 'late' ? 'alert' : 'status'}>
      <div>
        {title && <b>{title}</b>}
        {children}
      </div>
    </div>
  )
}

const sentences: Record<number, Key> = {
  0: 'error.unreachable', 400: 'error.invalid', 401: 'error.signedOut', 403: 'error.denied', 404: 'error.missing',
  409: 'error.conflict', 412: 'error.conflict', 413: 'error.large', 429: 'error.busy', 501: 'error.later', 503: 'error.unavailable',
  504: 'error.unavailable',
}

export function sentenceOf(error: unknown): Key {
  return error instanceof ApiError ? (sentences[error.status] ?? 'error.internal') : 'error.console'
}

/** Failure shows an error: a sentence, what the service said, what to do next, and the id to quote. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const { t, reason } = useWords()
  if (!error) return null
  const api = error instanceof ApiError ? error : null
  return (
    <Note tone="late" title={t(sentenceOf(error))}>
      {(api?.message || !api) && <p>{api ? reason(api.message) : String(error)}</p>}
      {api?.field && <p>{t('error.field', { field: api.field })}</p>}
      {api?.requestId && (
        <p className="quiet">
          {t('error.requestId')} <code>{api.requestId}</code>
        </p>
      )}
      {retry && (
        <p>
          <Button size="small" onClick={retry}>
            {t('act.retry')}
          </Button>
        </p>
      )}
    </Note>
  )
}

/** Shown stands for what is loaded: the failure, the waiting, or the content. */
export function Shown<T>({ of, children }: { of: { data: T | undefined; error: unknown; reload: () => void }; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) {
    return (
      <>
        <Failure error={of.error} retry={of.reload} />
        {children(of.data)}
      </>
    )
  }
  return of.error ? <Failure error={of.error} retry={of.reload} /> : <Loading />
}
