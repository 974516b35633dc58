import { useParams } from 'react-router'
import { plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { useLoad } from '../../parts/load'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Evidence, Shown } from '../../parts/states'
import { second } from '../../parts/time'
import { useSession } from '../../session'
import { OpenListDifference, OpenListEntries } from './open-list-parts'

export default function OpenListPage() {
  const { number = '0' } = useParams()
  const { t } = useWords()
  const { account } = useSession()
  const list = useLoad(`open list ${number}`, (signal) => plinth.getOpenList({ number: Number(number) || 0 }, { signal }))
  return (
    <Shown of={list}>
      {(l) => (
        <>
          <PageHead title={t('openList.title', { n: l.number })} about={t('openList.about')}>
            <a href={`/open/${l.number}.csv`}>CSV</a>
            <a href={`/open/${l.number}.jsonld`}>DCAT-AP JSON-LD</a>
          </PageHead>
          <Sheet>
            <Facts
              of={[
                [t('openList.publishedAt'), second(l.publishedAt)],
                [t('openList.publishedBy'), l.publishedBy],
                [t('openList.entries'), String(l.entries)],
                [t('openList.sha256'), <code key="h">{l.sha256}</code>],
                ...(account ? ([[t('evidence.word'), <Evidence key="e" of={l.evidence} />]] as [string, React.ReactNode][]) : []),
              ]}
            />
          </Sheet>
          <Sheet title={t('openList.difference')}>
            <OpenListDifference list={l} />
          </Sheet>
          <Sheet title={t('openList.entries')}>
            <OpenListEntries list={l} />
          </Sheet>
        </>
      )}
    </Shown>
  )
}
