import { GraphChart } from 'echarts/charts'
import { LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { type ProvGraph } from './prov'

register([GraphChart, LegendComponent, TooltipComponent, CanvasRenderer])

/** ProvPicture draws a graph; a click on an edge opens its record. The table beside it says the same in words. */
export default function ProvPicture(props: { g: ProvGraph; label: string; kinds: Record<string, string>; relation: (r: string) => string; open: (record: string) => void }) {
  const { g, label, kinds, relation, open } = props
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!host.current) return
    const chart = init(host.current)
    const names = Object.keys(kinds)
    chart.setOption({
      animation: false,
      color: ['#1d5a9e', '#b35900', '#2f7d4f'],
      tooltip: {},
      legend: { data: Object.values(kinds) },
      series: [
        {
          type: 'graph', layout: g.nodes.length <= 150 ? 'force' : 'circular', roam: true, draggable: true, symbolSize: 16, edgeSymbol: ['none', 'arrow'], edgeSymbolSize: 8,
          force: { repulsion: 220, edgeLength: 90, layoutAnimation: false },
          categories: names.map((n) => ({ name: kinds[n] })),
          label: { show: g.nodes.length <= 40, position: 'right' },
          data: g.nodes.map((n) => ({ id: n.id, name: n.id, value: n.label, category: names.indexOf(n.kind), label: { formatter: () => n.label.slice(0, 24) } })),
          links: g.edges.map((e) => ({ source: e.from, target: e.to, record: e.record, value: relation(e.relation), lineStyle: { width: 2 } })),
        },
      ],
    })
    chart.on('click', { dataType: 'edge' }, (p) => {
      const record = (p.data as { record?: string } | undefined)?.record
      if (record) open(record)
    })
    const watch = new ResizeObserver(() => chart.resize())
    watch.observe(host.current)
    return () => {
      watch.disconnect()
      chart.dispose()
    }
  }, [g, kinds, relation, open])
  return <div className="chart" style={{ height: 460 }} ref={host} role="img" aria-label={label} />
}
