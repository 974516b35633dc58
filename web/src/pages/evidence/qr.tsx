import Button from 'antd/es/button'
import encodeQR from 'qr'
import { useMemo } from 'react'
import { useWords } from '../../i18n'
import { saveBlob } from '../../parts/figures'
import { verifyAddress } from './code'

/** squares draws a QR as one path: a square for each dark module. */
export function squares(modules: boolean[][]): string {
  return modules.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
}

/** CodePicture is a record's short code with the QR that leads anybody to its verification. */
export function CodePicture({ code }: { code: string }) {
  const { t } = useWords()
  const address = verifyAddress(location.origin, code)
  // A border of four modules is what ISO/IEC 18004 asks for; medium correction survives a crease in the paper.
  const modules = useMemo(() => encodeQR(address, 'raw', { ecc: 'medium', border: 4 }), [address])
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${modules.length} ${modules.length}" width="360" height="360" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${modules.length}v${modules.length}H0z"/><path d="${squares(modules)}"/></svg>`
  return (
    <figure className="code">
      <svg viewBox={`0 0 ${modules.length} ${modules.length}`} role="img" aria-label={t('code.picture', { code })} shapeRendering="crispEdges">
        <path fill="#fff" d={`M0 0h${modules.length}v${modules.length}H0z`} />
        <path d={squares(modules)} />
      </svg>
      <figcaption>
        <b className="mono short-code">{code}</b>
        <p className="quiet">{t('code.about')}</p>
        <p className="mono break">{address}</p>
        <Button size="small" onClick={() => saveBlob(`${code}.svg`, new Blob([svg], { type: 'image/svg+xml' }))}>
          {t('code.save')}
        </Button>
      </figcaption>
    </figure>
  )
}
