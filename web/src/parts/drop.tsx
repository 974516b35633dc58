import Button from 'antd/es/button'
import { type DragEvent, useId, useRef, useState } from 'react'
import { useWords } from '../i18n'

/** DropBox takes one file, dropped or chosen. The file stays in the browser until the page does something with it. */
export function DropBox({ label, onFile, accept }: { label: string; onFile: (f: File) => void; accept?: string }) {
  const { t } = useWords()
  const [over, setOver] = useState(false)
  const [name, setName] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const id = useId()
  const take = (file: File | undefined) => {
    if (!file) return
    setName(file.name)
    onFile(file)
  }
  const drop = (e: DragEvent) => {
    e.preventDefault()
    setOver(false)
    take(e.dataTransfer.files[0])
  }
  return (
    <div
      className={over ? 'drop over' : 'drop'}
      onDragOver={(e) => {
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <label htmlFor={id}>{label}</label>
      <div style={{ marginTop: 8 }}>
        <Button onClick={() => input.current?.click()}>{t('drop.choose')}</Button> {name || <span className="quiet">{t('drop.orDrop')}</span>}
      </div>
      <input id={id} ref={input} className="hidden" type="file" tabIndex={-1} accept={accept} onChange={(e) => take(e.target.files?.[0])} />
    </div>
  )
}
