import Input from 'antd/es/input'
import InputNumber from 'antd/es/input-number'
import Select from 'antd/es/select'
import { useState } from 'react'
import { plinth, type Request } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Sheet } from '../../parts/page'
import { Failure } from '../../parts/states'
import { useOptions } from '../../parts/table'
import { useWrite } from '../../parts/write'
import { Due } from '../catalog/registrations'

const masks = ['null', 'partial', 'month', 'token'] as const

/** Answer is the provider's part: masks by column, a daily limit, and yes or no with the reason. */
export function Answer({ r, put }: { r: Request; put: (r: Request) => void }) {
  const { t, text, word } = useWords()
  const dataset = useLoad(`dataset ${r.datasetId}`, (signal) => plinth.getDataset({ id: r.datasetId }, { signal }))
  const [masked, setMasked] = useState<Record<string, string>>({})
  const [perDay, setPerDay] = useState<number | null>(null)
  const [reason, setReason] = useState('')
  const [missing, setMissing] = useState(false)
  const maskOptions = [{ value: '', label: t('answer.noMask') }, ...useOptions('mask', masks)]
  const answer = useWrite(
    (key, approve: boolean) =>
      plinth.answerRequest(
        approve
          ? { id: r.id, approve, reason: reason.trim(), masks: masked, rowsPerDay: perDay ? String(perDay) : '0' }
          : { id: r.id, approve, reason: reason.trim() },
        { key },
      ),
    put,
  )
  const refuse = () => {
    setMissing(!reason.trim())
    if (reason.trim()) void answer.run(false)
  }
  const setMask = (column: string, mask: string) =>
    setMasked((all) => Object.fromEntries(Object.entries({ ...all, [column]: mask }).filter(([, m]) => m)))
  return (
    <div style={{ marginBottom: 16 }}>
      <Sheet
        title={t('answer.title')}
        extra={
          <span>
            {t('registration.due')} <Due at={r.dueAt} />
          </span>
        }
      >
        <div className="form">
          <fieldset>
            <legend>{t('answer.masks')}</legend>
            <p className="quiet" style={{ marginTop: 0 }}>
              {t('answer.masksHelp')}
            </p>
            {(r.columns ?? []).map((c) => {
              const field = dataset.data?.fields?.find((f) => f.name === c)
              return (
                <div key={c} className="inline" style={{ marginBottom: 8, alignItems: 'center' }}>
                  <label htmlFor={`mask-${c}`} style={{ flex: '1 1 200px' }}>
                    <code>{c}</code> {text(field?.title)}
                    {field && field.sensitivity !== 'none' && <span className="quiet"> · {word('sensitivity', field.sensitivity)}</span>}
                  </label>
                  <Select id={`mask-${c}`} aria-label={t('answer.maskOf', { column: c })} style={{ width: 150 }} value={masked[c] ?? ''} options={maskOptions} onChange={(m) => setMask(c, m)} />
                </div>
              )
            })}
          </fieldset>
          <label htmlFor="per-day">{t('answer.perDay')}</label>
          <div>
            <InputNumber id="per-day" min={1} max={1e9} precision={0} value={perDay} onChange={setPerDay} style={{ width: 180 }} />
          </div>
          <p className="quiet">{t('answer.perDayHelp')}</p>
          <label htmlFor="answer-reason">{t('answer.reason')}</label>
          <Input.TextArea id="answer-reason" rows={2} value={reason} status={missing ? 'error' : ''} aria-invalid={missing} aria-describedby="answer-help" onChange={(e) => setReason(e.target.value)} />
          <p id="answer-help" className="quiet">
            {missing ? <b style={{ color: 'var(--late)' }}>{t('registration.noteMissing')}</b> : t('answer.reasonHelp')}
          </p>
        </div>
        <Failure error={answer.error} />
        <div className="acts">
          <Act primary busy={answer.busy} onClick={() => void answer.run(true)}>
            {t('answer.approve')}
          </Act>
          <Act danger busy={answer.busy} onClick={refuse}>
            {t('answer.refuse')}
          </Act>
        </div>
      </Sheet>
    </div>
  )
}
