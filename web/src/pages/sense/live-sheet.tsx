import Button from 'antd/es/button'
import { useState } from 'react'
import { Link } from 'react-router'
import { useWords } from '../../i18n'
import { figure, whole } from '../../parts/figures'
import { type LiveRate, type LiveReading, useLive } from '../../parts/live'
import { Sheet } from '../../parts/page'
import { second } from '../../parts/time'

const shown = 8

/** LiveSheet is what arrives now: rows a second by domain and a sample of readings. It can be paused. */
export function LiveSheet() {
  const { t, word } = useWords()
  const [paused, setPaused] = useState(false)
  const [held, setHeld] = useState(false)
  const [rates, setRates] = useState<LiveRate[]>([])
  const [tail, setTail] = useState<LiveReading[]>([])
  const open = useLive(
    {
      ingest: setRates,
      // Lines stand still while the pointer is on them.
      reading: (r) => !held && setTail((rows) => [r, ...rows.filter((x) => x.device !== r.device || x.metric !== r.metric)].slice(0, shown)),
    },
    paused,
  )
  return (
    <Sheet
      title={t('live.title')}
      extra={
        <>
          <span className={`tone ${open ? 'ok' : 'plain'}`}>{t(paused ? 'live.paused' : open ? 'live.open' : 'live.broken')}</span>
          <Button size="small" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {t(paused ? 'live.resume' : 'live.pause')}
          </Button>
        </>
      }
    >
      <ul className="words" style={{ marginBottom: 8 }}>
        {rates.map((r) => (
          <li key={r.domain}>
            {word('deviceKind', r.domain)} <b>{whole(r.rows)}</b> {t('live.perSecond')}
          </li>
        ))}
      </ul>
      {tail.length === 0 ? (
        <p className="quiet">{t('live.empty')}</p>
      ) : (
        <div className="scroll" tabIndex={0} role="region" aria-label={t('live.title')} onMouseEnter={() => setHeld(true)} onMouseLeave={() => setHeld(false)}>
          <table className="grid dense">
            <tbody>
              {tail.map((r) => (
                <tr key={`${r.device} ${r.metric}`}>
                  <td>
                    <Link to={`/devices/${r.device}`} className="mono">
                      {r.device}
                    </Link>
                  </td>
                  <td>{r.metric}</td>
                  <td className="number">{figure(r.value)}</td>
                  <td className="nowrap">{second(r.at).slice(11)}</td>
                  <td>{(r.flags ?? []).map((f) => word('flag', f)).join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Sheet>
  )
}
