// Points on the district's map, drawn on a canvas: ten thousand of them stay smooth where as many elements would not.
import { type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { indexSpots, nearestSpot, type Projection, type Spot } from './geo'

export interface Dot {
  id: string
  longitude: number
  latitude: number
  colour: string
  label: string
  radius?: number
}

/** reach is how far from a dot, in pixels of the screen, the pointer still means it. */
const reach = 8

interface Props {
  dots: Dot[]
  view: Projection
  onDot?: ((id: string) => void) | undefined
  children: ReactNode
}

/** DotLayer lays dots over a map that is drawn in the coordinates of view. Later dots lie above earlier ones. */
export function DotLayer({ dots, view, onDot, children }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [shown, setShown] = useState<(Spot & { dot: Dot }) | null>(null)
  const spots = useMemo(() => dots.map((d) => ({ dot: d, x: view.at(d.longitude, d.latitude)[0], y: view.at(d.longitude, d.latitude)[1] })), [dots, view])
  const index = useMemo(() => indexSpots(spots), [spots])
  useEffect(() => {
    const host = canvas.current?.parentElement
    if (!host || !canvas.current) return
    const paint = () => canvas.current && draw(canvas.current, spots, view)
    paint()
    const watch = new ResizeObserver(paint)
    watch.observe(host)
    return () => watch.disconnect()
  }, [spots, view])
  const find = (e: MouseEvent<HTMLElement>) => {
    const box = e.currentTarget.getBoundingClientRect()
    const scale = view.width / (box.width || 1)
    return nearestSpot(index, (e.clientX - box.left) * scale, (e.clientY - box.top) * scale, reach * scale)
  }
  return (
    <div
      className={shown && onDot ? 'dots on-dot' : 'dots'}
      onMouseMove={(e) => setShown(find(e))}
      onMouseLeave={() => setShown(null)}
      onClickCapture={(e) => {
        const found = onDot && find(e)
        if (!found) return
        e.stopPropagation()
        onDot(found.dot.id)
      }}
    >
      {children}
      <canvas ref={canvas} aria-hidden="true" />
      {shown && (
        <span className="dot-tip" style={{ left: `${(shown.x / view.width) * 100}%`, top: `${(shown.y / view.height) * 100}%` }}>
          {shown.dot.label}
        </span>
      )}
    </div>
  )
}

function draw(canvas: HTMLCanvasElement, spots: (Spot & { dot: Dot })[], view: Projection) {
  const host = canvas.parentElement
  const pen = canvas.getContext('2d')
  if (!host || !pen) return
  const sharp = window.devicePixelRatio || 1
  canvas.width = Math.round(host.clientWidth * sharp)
  canvas.height = Math.round(((host.clientWidth * view.height) / view.width) * sharp)
  const scale = canvas.width / view.width
  pen.setTransform(scale, 0, 0, scale, 0, 0)
  pen.clearRect(0, 0, view.width, view.height)
  pen.strokeStyle = '#fff'
  pen.lineWidth = 0.8
  for (const { dot, x, y } of spots) {
    pen.beginPath()
    pen.arc(x, y, dot.radius ?? 3, 0, 2 * Math.PI)
    pen.fillStyle = dot.colour
    pen.fill()
    pen.stroke()
  }
}
