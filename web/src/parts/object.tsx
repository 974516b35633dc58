import Button from 'antd/es/button'
import Tabs from 'antd/es/tabs'
import { type ReactNode } from 'react'
import { useSearchParams } from 'react-router'

export interface Tab {
  key: string
  title: string
  content: ReactNode
}

/** ObjectFrame is the one frame for every object: header with marks and the act, tabs on the left, its history on the right. */
export function ObjectFrame(props: { title: ReactNode; marks: ReactNode; acts?: ReactNode; notes?: ReactNode; tabs: Tab[]; aside: ReactNode }) {
  const { title, marks, acts, notes, tabs, aside } = props
  const [params, setParams] = useSearchParams()
  const wanted = params.get('tab')
  const active = tabs.some((t) => t.key === wanted) ? (wanted ?? '') : (tabs[0]?.key ?? '')
  return (
    <>
      <div className="page-head">
        <div className="title">
          <h1>{title}</h1>
          <div className="marks">{marks}</div>
        </div>
        {acts && <div className="acts">{acts}</div>}
      </div>
      {notes}
      <div className="object">
        <div className="sheet">
          <Tabs
            activeKey={active}
            onChange={(key) => setParams({ tab: key }, { replace: true })}
            items={tabs.map((t) => ({ key: t.key, label: t.title, children: t.content }))}
          />
        </div>
        <aside>{aside}</aside>
      </div>
    </>
  )
}

/** Act is a button named by its verb. When it may not be used, the reason stands beside it. */
export function Act(props: { children: ReactNode; onClick: () => void; primary?: boolean; danger?: boolean; busy?: boolean; blocked?: string }) {
  const { children, onClick, primary, danger, busy, blocked } = props
  return (
    <>
      {blocked && <span className="quiet">{blocked}</span>}
      <Button type={primary ? 'primary' : 'default'} danger={danger ?? false} loading={busy ?? false} disabled={Boolean(blocked)} title={blocked} onClick={onClick}>
        {children}
      </Button>
    </>
  )
}
