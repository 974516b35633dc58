import Button from 'antd/es/button'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { type Device, plinth, type RegisterDeviceResponse } from '../../api/plinth'
import { useWords } from '../../i18n'
import { Facts } from '../../parts/page'
import { Failure, Note } from '../../parts/states'
import { useWrite } from '../../parts/write'

const graces = [0, 3600, 86_400, 604_800] as const

/** DeviceActs are what an operator does with a device: change it, take it to another stage of its life, give it a new credential. */
export function DeviceActs({ d, put }: { d: Device; put: (d: Device) => void }) {
  const { t } = useWords()
  const navigate = useNavigate()
  return (
    <>
      <Button onClick={() => void navigate(`/devices/${d.id}/edit`)}>{t('deviceActs.edit')}</Button>
      {(d.next ?? []).length > 0 && <Move d={d} put={put} />}
      {d.life !== 'retired' && <Rotate d={d} />}
    </>
  )
}

function Move({ d, put }: { d: Device; put: (d: Device) => void }) {
  const { t, word } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const [life, setLife] = useState('')
  const [note, setNote] = useState('')
  const move = useWrite(
    (key, to: string, why: string) => plinth.moveDevice({ id: d.id, version: d.version, life: to, note: why }, { key }),
    (next: Device) => {
      dialog.current?.close()
      setNote('')
      put(next)
    },
  )
  const to = d.next?.includes(life) ? life : (d.next?.[0] ?? '')
  return (
    <>
      <Button onClick={() => dialog.current?.showModal()}>{t('deviceActs.move')}</Button>
      <dialog ref={dialog} className="ask" aria-labelledby="move-title">
        <h2 id="move-title">{t('deviceActs.move')}</h2>
        <p className="quiet">{t('deviceActs.moveAbout')}</p>
        <label htmlFor="move-life">{t('device.life')}</label>
        <Select id="move-life" getPopupContainer={(n) => n.parentElement ?? document.body} style={{ display: 'block', width: '100%' }} value={to} options={(d.next ?? []).map((v) => ({ value: v, label: word('life', v) }))} onChange={setLife} />
        <label htmlFor="move-note">{t('deviceActs.why')}</label>
        <Input id="move-note" value={note} onChange={(e) => setNote(e.target.value)} />
        <Failure error={move.error} />
        <div className="acts" style={{ marginTop: 12 }}>
          <Button type="primary" danger={to === 'retired'} loading={move.busy} onClick={() => void move.run(to, note.trim())}>
            {word('life', to)}
          </Button>
          <Button onClick={() => dialog.current?.close()}>{t('act.cancel')}</Button>
        </div>
      </dialog>
    </>
  )
}

function Rotate({ d }: { d: Device }) {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const [grace, setGrace] = useState<number>(86_400)
  const [made, setMade] = useState<RegisterDeviceResponse | null>(null)
  const rotate = useWrite((key, graceS: number) => plinth.rotateCredential({ id: d.id, graceS }, { key }), setMade)
  const close = () => {
    dialog.current?.close()
    setMade(null)
  }
  return (
    <>
      <Button onClick={() => dialog.current?.showModal()}>{t('deviceActs.rotate')}</Button>
      <dialog ref={dialog} className="ask" aria-labelledby="rotate-title" onClose={() => setMade(null)}>
        <h2 id="rotate-title">{t('deviceActs.rotate')}</h2>
        {made ? (
          <>
            <Note tone="warn" title={t('newDevice.once')} />
            <Facts
              of={[
                [t('newDevice.user'), <code key="u">{made.mqttUser}</code>],
                [t('newDevice.password'), <code key="p">{made.mqttPassword}</code>],
              ]}
            />
            <Button onClick={close}>{t('act.close')}</Button>
          </>
        ) : (
          <>
            <p className="quiet">{t('deviceActs.rotateAbout')}</p>
            <label htmlFor="rotate-grace">{t('deviceActs.grace')}</label>
            <Select<number> id="rotate-grace" getPopupContainer={(n) => n.parentElement ?? document.body} style={{ display: 'block', width: '100%' }} value={grace} options={graces.map((n) => ({ value: n, label: n ? t('device.hours2', { n: n / 3600 }) : t('deviceActs.atOnce') }))} onChange={setGrace} />
            <Failure error={rotate.error} />
            <div className="acts" style={{ marginTop: 12 }}>
              <Button type="primary" loading={rotate.busy} onClick={() => void rotate.run(grace)}>
                {t('deviceActs.rotate')}
              </Button>
              <Button onClick={close}>{t('act.cancel')}</Button>
            </div>
          </>
        )}
      </dialog>
    </>
  )
}
