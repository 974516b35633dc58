import Button from 'antd/es/button'
import { type Chain as ChainState, plinth, type Root } from '../../api/plinth'
import { useWords } from '../../i18n'
import { save, whole } from '../../parts/figures'
import { useLoad } from '../../parts/load'
import { Facts, PageHead, Sheet } from '../../parts/page'
import { Note, Shown } from '../../parts/states'
import { second } from '../../parts/time'

export default function Chain() {
  const { t } = useWords()
  const chain = useLoad('chain', (signal) => plinth.getChain({}, { signal }))
  const roots = useLoad('roots', (signal) => plinth.getRoots({}, { signal }))
  return (
    <>
      <PageHead title={t('nav.chain')} about={t('chain.about')}>
        <Button onClick={chain.reload}>{t('act.refresh')}</Button>
      </PageHead>
      <Shown of={chain}>{(c) => <ChainShown c={c} />}</Shown>
      <Sheet title={t('chain.roots')} extra={roots.data && <Button onClick={() => save('roots.json', 'application/json', JSON.stringify(roots.data, null, 2))}>{t('chain.downloadRoots')}</Button>}>
        <p className="quiet" style={{ marginTop: 0 }}>
          {t('chain.rootsAbout')}
        </p>
        <Shown of={roots}>
          {(r) => (
            <>
              {(r.roots ?? []).map((root) => (
                <RootShown key={root.mspId} root={root} />
              ))}
              <h3>{t('chain.keys')}</h3>
              {(r.logKeys ?? []).map((k) => (
                <p key={k} className="mono break">
                  {k}
                </p>
              ))}
            </>
          )}
        </Shown>
      </Sheet>
    </>
  )
}

function ChainShown({ c }: { c: ChainState }) {
  const { t } = useWords()
  return (
    <>
      {c.error && <Note tone="late" title={t('chain.away')}><p>{c.error}</p></Note>}
      <Sheet title={t('chain.title')}>
        <Facts
          of={[
            [t('chain.channel'), c.channel],
            [t('number.chain'), whole(c.height)],
            [t('chain.orgs'), (c.organisations ?? []).join(', ')],
          ]}
        />
      </Sheet>
      <div style={{ height: 16 }} />
      <div className="columns" style={{ marginBottom: 16 }}>
        {(c.logs ?? []).map((l) => (
          <Sheet key={l.origin} title={t('chain.log', { origin: l.origin })}>
            <Facts
              of={[
                [t('chain.size'), whole(l.size)],
                [t('chain.anchored'), `${whole(l.anchoredSize)} ${Number(l.size) > Number(l.anchoredSize) ? t('chain.behind', { n: whole(Number(l.size) - Number(l.anchoredSize)) }) : ''}`],
                [t('number.pending'), whole(l.pending)],
                [t('chain.root'), <code key="r">{l.rootHash}</code>],
                [t('record.tx'), l.anchoredTx && <code key="t">{l.anchoredTx}</code>],
                [t('chain.anchoredAt'), second(l.anchoredAt)],
              ]}
            />
          </Sheet>
        ))}
      </div>
    </>
  )
}

function RootShown({ root }: { root: Root }) {
  return (
    <details style={{ marginBottom: 8 }}>
      <summary>
        <b>{root.name || root.mspId}</b> <span className="quiet">{root.mspId}</span>
      </summary>
      <pre className="mono scroll" tabIndex={0}>
        {root.certificatePem}
      </pre>
    </details>
  )
}
