import { BarChart, LineChart, ScatterChart } from 'echarts/charts'
import { DataZoomComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { type EChartsCoreOption, type EChartsType, init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

register([BarChart, LineChart, ScatterChart, GridComponent, TooltipComponent, LegendComponent, DataZoomComponent, MarkLineComponent, CanvasRenderer])

const palette = ['#1d5a9e', '#b35900', '#2f7d4f', '#8250df', '#a40e26', '#0f7a8a', '#7a5c00', '#57606a', '#bf3989', '#4d5bce']

/** Chart draws an ECharts option. The label says in words what is seen; the table behind it stands beside the chart. */
export default function Chart({ option, label, height = 280 }: { option: EChartsCoreOption; label: string; height?: number }) {
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(null)
  useEffect(() => {
    if (!host.current) return
    const made = init(host.current)
    chart.current = made
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
  return <div className="chart" style={{ height }} ref={host} role="img" aria-label={label} />
}
