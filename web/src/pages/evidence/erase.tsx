import Button from 'antd/es/button'
import Input from 'antd/es/input'
import { useCallback, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { send } from '../../api/call'
import { useWords } from '../../i18n'
import { Act } from '../../parts/object'
import { Sheet } from '../../parts/page'
import { Failure } from '../../parts/states'
import { useWrite } from '../../parts/write'

/** erase shreds the payloads of a subject's records and gives the id of the record that tells of it. */
async function erase(_key: string, subject: string, reason: string): Promise<string> {
  const answer = await send('/v1/evidence/subjects:erase', { method: 'POST', body: JSON.stringify({ subject, reason }) })
  return ((await answer.json()) as { recordId: string }).recordId
}

/** Erasure is where an operator has a subject forgotten: what it means and why it is done come before the act. */
export function Erasure({ subject }: { subject: string }) {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  return (
    <Sheet title={t('erase.title')}>
      <p className="quiet" style={{ marginTop: 0 }}>
        {t('erase.about')}
      </p>
      <div className="acts">
        <Act danger onClick={() => dialog.current?.showModal()}>
          {t('erase.open')}
        </Act>
      </div>
      <dialog ref={dialog} className="ask" aria-labelledby="erase-title">
        <Confirm subject={subject} close={() => dialog.current?.close()} />
      </dialog>
    </Sheet>
  )
}

function Confirm({ subject, close }: { subject: string; close: () => void }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const [reason, setReason] = useState('')
  const { run, busy, error } = useWrite(erase, useCallback((id: string) => void navigate(`/evidence/${id}`), [navigate]))
  return (
    <>
      <h2 id="erase-title">{t('erase.question')}</h2>
      <p className="mono break">{subject}</p>
      <ul>
        <li>{t('erase.gone')}</li>
        <li>{t('erase.stays')}</li>
        <li>{t('erase.told')}</li>
        <li>{t('erase.notCovered')}</li>
      </ul>
      <label htmlFor="erase-reason">{t('erase.reason')}</label>
      <Input.TextArea id="erase-reason" rows={3} maxLength={600} value={reason} onChange={(e) => setReason(e.target.value)} />
      <p className="quiet">{t('erase.reasonHelp')}</p>
      <Failure error={error} />
      <div className="acts">
        <Act danger primary busy={busy} {...(reason.trim() ? {} : { blocked: t('erase.reasonMissing') })} onClick={() => void run(subject, reason.trim())}>
          {t('erase.act')}
        </Act>
        <Button onClick={close}>{t('job.cancel')}</Button>
      </div>
    </>
  )
}
