import encodeQR from 'qr'
import { useMemo } from 'react'
import { squares } from '../evidence/qr'

/** codePaths draws a device's code: how wide the drawing is, with the four light modules that ISO/IEC 18004 asks for, and its dark ones. */
export function codePaths(code: string): { width: number; dark: string } {
  const modules = encodeQR(code, 'raw', { ecc: 'medium', border: 4 })
  return { width: modules.length, dark: squares(modules) }
}

/** LabelCode is the QR of a device's label: its code and nothing else, as GET /v1/devices/{id}/qr.svg draws it. */
export function LabelCode({ code, label }: { code: string; label: string }) {
  const { width, dark } = useMemo(() => codePaths(code), [code])
  return (
    <svg viewBox={`0 0 ${width} ${width}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path fill="#fff" d={`M0 0h${width}v${width}H0z`} />
      <path d={dark} />
    </svg>
  )
}
