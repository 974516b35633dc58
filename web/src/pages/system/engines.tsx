import Button from 'antd/es/button'
import { useEffect } from 'react'
import { plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'
import { PageHead, Sheet } from '../../parts/page'
import { LoadedTable } from '../../parts/table'
import { State } from '../../parts/states'
import { second } from '../../parts/time'

export default function Engines() {
  const { t, word } = useWords()
  const list = useLoad('engines', async (signal) => (await plinth.listEngines({}, { signal })).engines ?? [])
  const { reload } = list
  useEffect(() => {
    const tick = setInterval(reload, 10_000)
    return () => clearInterval(tick)
  }, [reload])
  const ready = (on: boolean) => (on ? 'ready' : 'down')
  return (
    <>
      <PageHead title={t('nav.engines')} about={t('engines.about')}>
        <Button onClick={reload}>{t('act.refresh')}</Button>
      </PageHead>
      <Sheet>
        <LoadedTable
          name="engines"
          label={t('nav.engines')}
          of={list}
          rowKey={(e) => e.name}
          empty={t('engines.empty')}
          columns={[
            { key: 'name', title: t('engine.name'), cell: (e) => word('engine', e.name), text: (e) => e.name },
            { key: 'ready', title: t('dataset.state'), cell: (e) => <State family="ready" value={ready(e.ready)} />, text: (e) => ready(e.ready) },
            { key: 'detail', title: t('engine.detail'), cell: (e) => <>{word('engineDetail', e.detail)}{!e.ready && <div className="quiet">{t('engine.whatToDo')}</div>}</>, text: (e) => e.detail },
            { key: 'checked', title: t('engine.checked'), cell: (e) => second(e.checkedAt), text: (e) => second(e.checkedAt) },
          ]}
        />
      </Sheet>
    </>
  )
}
