import { type TimelineItem } from '../api/plinth'
import { useWords } from '../i18n'
import { Sheet } from './page'
import { Evidence } from './states'
import { second } from './time'

/** Timeline is an object's history: who did what when, each line with its receipt. */
export function Timeline({ items }: { items: TimelineItem[] | undefined }) {
  const { t, word } = useWords()
  return (
    <Sheet title={t('timeline.title')}>
      {items?.length ? (
        <ol className="timeline">
          {items.map((item, n) => (
            <li key={`${item.at}-${item.action}-${n}`}>
              <div className="line">
                <b>{word('action', item.action)}</b>
                <Evidence of={item.evidence} />
              </div>
              <div className="quiet">
                {item.actorName || item.actor} · <time dateTime={item.at ?? ''}>{second(item.at)}</time>
              </div>
              {item.note && <p>{item.note}</p>}
            </li>
          ))}
        </ol>
      ) : (
        <p className="quiet">{t('timeline.empty')}</p>
      )}
    </Sheet>
  )
}
