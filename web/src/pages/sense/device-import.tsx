import Button from 'antd/es/button'
import { useState } from 'react'
import { Link } from 'react-router'
import { useWords } from '../../i18n'
import { DropBox } from '../../parts/drop'
import { csv, fetchFile, save, whole } from '../../parts/figures'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note } from '../../parts/states'
import { type Column, Table } from '../../parts/table'
import { type DeviceJob, useDeviceImport } from './device-import-job'
import { deviceColumns, type Fault, type Told } from './device-import-lines'

const shownFaults = 200

/** DeviceImport brings a list of devices in: checked first, then imported, and the secrets saved before anything else. */
export default function DeviceImport() {
  const { t } = useWords()
  const [file, setFile] = useState<File | null>(null)
  const { job, send, forget, saveAgain, stop } = useDeviceImport()
  const choose = (f: File) => {
    setFile(f)
    forget()
  }
  const checked = job.told?.counts && job.dry ? job.told.counts : null
  const blocked = !file ? t('import.chooseFile') : !checked ? t('deviceImport.needsCheck') : checked.registered + checked.renewed === 0 ? t('deviceImport.nothing') : undefined
  return (
    <>
      <PageHead title={t('deviceImport.title')} about={t('deviceImport.about')} />
      <Sheet>
        <DropBox label={t('deviceImport.file')} accept=".csv,.xlsx,.ndjson,.jsonl,.txt" onFile={choose} />
        <Help />
        <div className="acts" style={{ marginTop: 12 }}>
          <Act primary={!checked} busy={job.busy && job.dry} {...(file ? {} : { blocked: t('import.chooseFile') })} onClick={() => file && void send(file, true)}>
            {t(job.told ? 'deviceImport.checkAgain' : 'deviceImport.check')}
          </Act>
          {file && (
            <Act primary={Boolean(checked)} busy={job.busy && !job.dry} {...(blocked && !job.busy ? { blocked } : {})} onClick={() => void send(file, false)}>
              {checked?.registered ? t('deviceImport.import', { n: whole(checked.registered) }) : t(checked?.renewed ? 'deviceImport.renew' : 'deviceImport.importNothing')}
            </Act>
          )}
          {job.busy && <Button onClick={stop}>{t('act.cancel')}</Button>}
        </div>
      </Sheet>
      <div style={{ marginTop: 16 }} aria-live="polite">
        <Failure error={job.broken ? null : job.error} />
        <Broken job={job} />
        <Saved job={job} again={saveAgain} />
        {job.told && (job.busy || job.told.counts || job.told.progress || job.told.faults.length > 0) && <Outcome told={job.told} dry={job.dry} busy={job.busy} />}
      </div>
    </>
  )
}

/** Help is what goes into the columns, an empty table to begin with, and the devices on file as an example. */
function Help() {
  const { t, word } = useWords()
  const [error, setError] = useState<unknown>(null)
  const template = () => save('devices.csv', 'text/csv;charset=utf-8', csv([deviceColumns.map(([name]) => name), deviceColumns.map(([, example]) => example)]))
  return (
    <details style={{ marginTop: 8 }}>
      <summary>{t('deviceImport.columns')}</summary>
      <div className="acts" style={{ margin: '8px 0' }}>
        <Button size="small" onClick={template}>
          {t('deviceImport.template')}
        </Button>
        <Button size="small" onClick={() => void fetchFile('/v1/device-exports', 'devices.csv').catch(setError)}>
          {t('deviceImport.existing')}
        </Button>
      </div>
      <Failure error={error} />
      <Facts of={deviceColumns.map(([name]) => [name, word('deviceColumn', name)])} />
    </details>
  )
}

function Outcome({ told, dry, busy }: { told: Told; dry: boolean; busy: boolean }) {
  const { t } = useWords()
  const n = told.counts ?? told.progress
  const title = busy ? t(dry ? 'deviceImport.checking' : 'deviceImport.importing', { n: whole(n?.rows ?? 0) }) : t(dry ? 'deviceImport.checked' : 'deviceImport.done')
  return (
    <Sheet title={title} extra={!dry && told.counts && <Link to="/devices">{t('deviceImport.openDevices')}</Link>}>
      {busy && <progress {...(told.progress?.lines ? { max: told.progress.lines, value: told.progress.rows } : {})} aria-label={title} />}
      {told.error && <Note tone="late" title={told.error} />}
      <Facts
        of={[
          [t('deviceImport.rows'), whole(n?.rows)],
          [t(dry ? 'deviceImport.would' : 'deviceImport.registered'), whole(n?.registered)],
          [t('deviceImport.known'), whole(n?.known)],
          ...(n?.renewed ? [[t(dry ? 'deviceImport.wouldRenew' : 'deviceImport.renewed'), whole(n.renewed)] as [string, string]] : []),
          [t('deviceImport.refused'), whole(n?.refused)],
        ]}
      />
      {told.faults.length > 0 && <Faults of={told.faults} />}
    </Sheet>
  )
}

function Faults({ of }: { of: Fault[] }) {
  const { t, reason } = useWords()
  const inOrder = of.toSorted((a, b) => a.row - b.row)
  const columns: Column<Fault>[] = [
    { key: 'row', title: t('deviceImport.row'), number: true, cell: (f) => whole(f.row), text: (f) => String(f.row) },
    { key: 'id', title: t('newDevice.id'), cell: (f) => <span className="mono break">{f.id}</span>, text: (f) => f.id ?? '' },
    { key: 'field', title: t('deviceImport.field'), cell: (f) => <code>{f.field}</code>, text: (f) => f.field },
    { key: 'rule', title: t('deviceImport.rule'), wide: true, cell: (f) => <Rule of={f} />, text: (f) => reason(f.rule) },
  ]
  const all = () => save('device-faults.csv', 'text/csv;charset=utf-8', csv([columns.map((c) => c.title), ...inOrder.map((f) => columns.map((c) => c.text(f)))]))
  return (
    <>
      <h3 style={{ margin: '16px 0 6px' }}>{t('deviceImport.faults')}</h3>
      <Table name="device-import-faults" label={t('deviceImport.faults')} columns={columns} rows={inOrder.slice(0, shownFaults)} rowKey={(f, n) => `${f.row} ${n}`} empty={t('deviceImport.noFaults')} />
      {of.length > shownFaults && (
        <p className="acts">
          <span className="quiet">{t('deviceImport.firstOf', { shown: whole(shownFaults), n: whole(of.length) })}</span>
          <Button size="small" onClick={all}>
            {t('deviceImport.allFaults')}
          </Button>
        </p>
      )}
    </>
  )
}

/** Rule is what the service says of a fault, and what its column wants. */
function Rule({ of }: { of: Fault }) {
  const { word, reason } = useWords()
  const wanted = word('deviceColumn', of.field)
  return (
    <div className="break">
      {reason(of.rule)}
      {wanted !== of.field && <div className="quiet">{wanted}</div>}
    </div>
  )
}

/** Saved tells where the secrets are; they can be had again while the page is open. */
function Saved({ job, again }: { job: DeviceJob; again: () => void }) {
  const { t } = useWords()
  if (!job.savedAs) return null
  return (
    <Note tone="warn" title={t('deviceImport.saved', { n: whole(job.received.length), file: job.savedAs })}>
      <p>{t('deviceImport.savedAbout')}</p>
      <p>
        <Button size="small" onClick={again}>
          {t('deviceImport.saveAgain')}
        </Button>
      </p>
    </Note>
  )
}

function Broken({ job }: { job: DeviceJob }) {
  const { t } = useWords()
  if (!job.broken) return null
  return (
    <Note tone="late" title={t('deviceImport.broken')}>
      <p>{t('deviceImport.brokenAbout')}</p>
    </Note>
  )
}
