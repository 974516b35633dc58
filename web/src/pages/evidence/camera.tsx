import { useEffect, useRef, useState } from 'react'
import { useWords } from '../../i18n'
import { Note } from '../../parts/states'

/** Camera looks for a QR through the device's camera until it sees one or is taken away. */
export function Camera({ seen }: { seen: (text: string) => void }) {
  const { t } = useWords()
  const video = useRef<HTMLVideoElement>(null)
  const tell = useRef(seen)
  const [refused, setRefused] = useState(false)
  useEffect(() => {
    tell.current = seen
  })
  useEffect(() => {
    const stop = new AbortController()
    const watch = async () => {
      const { watchCamera } = await import('./scan')
      if (!video.current || stop.signal.aborted) return
      const text = await watchCamera(video.current, stop.signal)
      if (text) tell.current(text)
    }
    watch().catch(() => setRefused(!stop.signal.aborted))
    return () => stop.abort()
  }, [])
  if (refused) return <Note tone="warn" title={t('verify.noCamera')} />
  return <video ref={video} className="camera" muted playsInline aria-label={t('verify.camera')} />
}
