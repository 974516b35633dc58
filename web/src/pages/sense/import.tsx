import Button from 'antd/es/button'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { useState } from 'react'
import { Link } from 'react-router'
import { plinth, type Run } from '../../api/plinth'
import { useWords } from '../../i18n'
import { DropBox } from '../../parts/drop'
import { whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Act } from '../../parts/object'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Failure, Note, Shown, State } from '../../parts/states'
import { useImport } from './import-job'

export default function Import() {
  const { t } = useWords()
  const mappings = useLoad('mappings', async (signal) => (await plinth.listMappings({}, { signal })).mappings ?? [])
  const [mapping, setMapping] = useState('')
  const [file, setFile] = useState<File | null>(null)
  const [name, setName] = useState('')
  const job = useImport()
  const take = (f: File) => {
    setFile(f)
    setName(f.name)
  }
  const blocked = !mapping ? t('import.chooseMapping') : !file ? t('import.chooseFile') : undefined
  return (
    <>
      <PageHead title={t('nav.import')} about={t('import.about')} />
      <Sheet>
        <div className="form">
          <Shown of={mappings}>
            {(all) => (
              <label htmlFor="mapping" style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: 4, marginBottom: 12 }}>
                {t('import.mapping')}
                <Select id="mapping" aria-label={t('import.mapping')} value={mapping || undefined} options={all.map((m) => ({ value: m.name, label: `${m.title} (${m.name})` }))} onChange={setMapping} />
                <span className="quiet">{t('import.mappingHelp')}</span>
              </label>
            )}
          </Shown>
          <DropBox label={t('import.file')} onFile={take} />
          {file && (
            <label htmlFor="import-name" style={{ display: 'grid', gap: 4, margin: '12px 0' }}>
              {t('import.name')}
              <Input id="import-name" value={name} onChange={(e) => setName(e.target.value)} />
              <span className="quiet">{t('import.nameHelp', { size: whole(file.size) })}</span>
            </label>
          )}
          <div className="acts" style={{ marginTop: 12 }}>
            <Act primary busy={job.busy} blocked={blocked} onClick={() => file && void job.start(mapping, name, file)}>
              {t('import.start')}
            </Act>
            {job.busy && <Button onClick={job.stop}>{t('act.cancel')}</Button>}
          </div>
        </div>
      </Sheet>
      <Failure error={job.error} />
      {job.run && <Progress run={job.run} stopped={job.stopped} />}
    </>
  )
}

function Progress({ run, stopped }: { run: Run; stopped: boolean }) {
  const { t } = useWords()
  return (
    <Sheet title={t('import.progress')} extra={<State family="runState" value={run.state} />}>
      <div aria-live="polite">
        {stopped && <Note tone="warn" title={t('import.stopped')} />}
        {run.error && <Note tone="late" title={run.error} />}
        <Facts
          of={[
            [t('run.in'), whole(run.rowsIn)],
            [t('run.stored'), whole(run.rowsStored)],
            [t('run.known'), whole(run.rowsKnown)],
            [t('run.dead'), run.rowsDead === '0' ? '0' : <Link key="d" to={`/dead-letters?runId=${run.id}`}>{whole(run.rowsDead)}</Link>],
          ]}
        />
      </div>
    </Sheet>
  )
}
