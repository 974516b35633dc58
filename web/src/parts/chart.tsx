import { BarChart, LineChart, ScatterChart } from 'echarts/charts'
import { DataZoomComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { type EChartsCoreOption, type EChartsType, init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

register([BarChart, LineChart, ScatterChart, GridComponent, TooltipComponent, LegendComponent, DataZoomComponent, MarkAreaComponent, MarkLineComponent, CanvasRenderer])

const palette = ['#1d5a9e', '#b35900', '#2f7d4f', '#8250df', '#a40e26', '#0f7a8a', '#7a5c00', '#57606a', '#bf3989', '#4d5bce']

interface Props {
  option: EChartsCoreOption
  /** Says in words what is seen; the table behind it stands beside the chart. */
  label: string
  height?: number
  /** A click on the drawing: its value on the horizontal axis. */
  onPick?: (x: number) => void
  /** The pointer has come upon the drawing, or left it. */
  onHold?: (held: boolean) => void
}

/** Chart draws an ECharts option. */
export default function Chart({ option, label, height = 280, onPick, onHold }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(null)
  const pick = useRef(onPick)
  useEffect(() => {
    pick.current = onPick
  })
  useEffect(() => {
    if (!host.current) return
    const made = init(host.current)
    chart.current = made
    made.getZr().on('click', (e) => {
      const x = made.containPixel('grid', [e.offsetX, e.offsetY]) && made.convertFromPixel({ xAxisIndex: 0 }, e.offsetX)
      if (typeof x === 'number') pick.current?.(x)
    })
    const watch = new ResizeObserver(() => made.resize())
    watch.observe(host.current)
    return () => {
      watch.disconnect()
      made.dispose()
      chart.current = null
    }
  }, [])
  useEffect(() => {
    chart.current?.setOption({ color: palette, animation: false, textStyle: { fontFamily: 'system-ui, sans-serif' }, ...option }, { notMerge: true })
  }, [option])
  return <div className="chart" style={{ height }} ref={host} role="img" aria-label={label} onMouseEnter={() => onHold?.(true)} onMouseLeave={() => onHold?.(false)} />
}
