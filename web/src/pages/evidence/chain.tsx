import Button from 'antd/es/button'
import { type Chain as ChainState, type Log, plinth, type Root } from '../../api/plinth'
import { Link } from 'react-router'
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
  const away = Boolean(c.error) && c.height === '0'
  return (
    <>
      {c.error && (
        <Note tone="late" title={t(away ? 'chain.away' : 'chain.trouble')}>
          <p>{c.error}</p>
          <p>{t(away ? 'chain.awayDo' : 'chain.troubleDo')}</p>
        </Note>
      )}
      <Sheet title={t('chain.title')}>
        <Facts
          of={[
            [t('number.chain'), c.height === '0' ? '' : whole(c.height)],
            [t('chain.channel'), c.channel],
            [t('chain.orgs'), (c.organisations ?? []).join(', ')],
            [t('chain.asked'), second(c.at)],
          ]}
        />
      </Sheet>
      <div className="columns" style={{ margin: '16px 0' }}>
        {(c.logs ?? []).map((l) => (
          <LogShown key={l.origin} l={l} />
        ))}
      </div>
    </>
  )
}

/** A log that is behind for longer than this is late: anchors come every few seconds. */
const lateAfter = 60

function LogShown({ l }: { l: Log }) {
  const { t, word } = useWords()
  const late = l.lagSeconds > lateAfter
  return (
    <Sheet title={t('chain.log', { origin: word('origin', l.origin) })} extra={<span className={`tone ${l.sealError || late ? 'late' : l.lagRecords === '0' ? 'ok' : 'wait'}`}>{t(l.sealError || late ? 'chain.late' : l.lagRecords === '0' ? 'chain.level' : 'chain.working')}</span>}>
      {l.sealError && (
        <Note tone="late" title={t('chain.notSealed')}>
          <p>{l.sealError}</p>
          <p>{t('chain.notSealedDo')}</p>
        </Note>
      )}
      {late && (
        <Note tone="late" title={t('chain.lateTitle')}>
          <p>{l.anchorError || t('chain.lateDo')}</p>
        </Note>
      )}
      <Facts
        of={[
          [t('chain.size'), <Link key="n" to={`/evidence?origin=${l.origin}`}>{whole(l.size)}</Link>],
          [t('chain.head'), l.headSize === '0' ? '' : whole(l.headSize)],
          [t('chain.anchored'), whole(l.anchoredSize)],
          [t('chain.lag'), t('chain.lagOf', { records: whole(l.lagRecords), seconds: l.lagSeconds < 10 ? l.lagSeconds.toFixed(1) : whole(Math.round(l.lagSeconds)) })],
          [t('number.pending'), l.pending === '0' ? '0' : <Link key="p" to={`/evidence?origin=${l.origin}&state=pending`}>{whole(l.pending)}</Link>],
          [t('chain.root'), <code key="r">{l.rootHash}</code>],
          [t('chain.anchoredAt'), second(l.anchoredAt)],
        ]}
      />
      <Anchors l={l} />
      <KeysOf l={l} />
    </Sheet>
  )
}

/** KeysOf are the keys that the log has had, as the chain knows them, with the sizes whose checkpoints each may sign. */
function KeysOf({ l }: { l: Log }) {
  const { t } = useWords()
  const keys = l.keys ?? []
  if (keys.length === 0) return null
  return (
    <details>
      <summary>{t('chain.keysOf', { n: keys.length })}</summary>
      {keys.map((k) => (
        <div key={k.verifierKey} style={{ marginTop: 8 }}>
          <span className={`tone ${k.untilSize === '0' ? 'ok' : 'plain'}`}>{k.untilSize === '0' ? t('chain.keyValid', { from: whole(k.fromSize) }) : t('chain.keyPast', { from: whole(k.fromSize), until: whole(k.untilSize) })}</span>
          <p className="mono break" style={{ margin: '2px 0' }}>{k.verifierKey}</p>
        </div>
      ))}
    </details>
  )
}

/** Anchors are the newest checkpoints on chain, with what each of them added. */
function Anchors({ l }: { l: Log }) {
  const { t } = useWords()
  const all = l.anchors ?? []
  if (all.length === 0) return null
  return (
    <details>
      <summary>{t('chain.recent', { n: all.length })}</summary>
      <div className="scroll" tabIndex={0} role="region" aria-label={t('chain.recent', { n: all.length })}>
        <table className="grid dense">
          <thead>
            <tr>
              <th scope="col">{t('chain.anchoredAt')}</th>
              <th scope="col" className="number">{t('record.checkpoint')}</th>
              <th scope="col" className="number">{t('chain.added')}</th>
              <th scope="col" className="number">{t('record.block')}</th>
              <th scope="col">{t('record.tx')}</th>
            </tr>
          </thead>
          <tbody>
            {all.map((a, n) => (
              <tr key={a.size}>
                <td className="nowrap">{second(a.at)}</td>
                <td className="number">{whole(a.size)}</td>
                <td className="number">{n + 1 < all.length ? `+${whole(Number(a.size) - Number(all[n + 1]?.size))}` : ''}</td>
                <td className="number">{whole(a.block)}</td>
                <td className="mono" title={a.txId}>{a.txId.slice(0, 16)}…</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
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
