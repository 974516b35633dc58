import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { type ReactNode, useEffect, useId, useState } from 'react'
import { useWords } from '../i18n'

export interface Option {
  value: string
  label: string
}

/** SearchBox tells what was typed a moment after the typing stops. "/" leads here. */
export function SearchBox({ label, value, onSearch }: { label: string; value: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState({ value, text: value })
  const text = typed.value === value ? typed.text : value
  useEffect(() => {
    if (text === value) return
    const wait = setTimeout(() => onSearch(text.trim()), 300)
    return () => clearTimeout(wait)
  }, [text, value, onSearch])
  const id = useId()
  return (
    <label htmlFor={id} data-search>
      {label}
      <Input id={id} type="search" allowClear value={text} style={{ width: 240 }} onChange={(e) => setTyped({ value, text: e.target.value })} />
    </label>
  )
}

/** Choose is one labelled filter; its empty choice is "all". */
export function Choose(props: { label: string; value: string; options: Option[]; onChange: (value: string) => void; width?: number; all?: string }) {
  const { label, value, options, onChange, width = 150, all } = props
  const { t } = useWords()
  const id = useId()
  return (
    <label htmlFor={id}>
      {label}
      <Select
        id={id}
        aria-label={label}
        value={value}
        style={{ width }}
        popupMatchSelectWidth={false}
        showSearch={options.length > 8 ? { optionFilterProp: 'label' } : false}
        options={[{ value: '', label: all ?? t('filter.all') }, ...options]}
        onChange={(v) => onChange(v ?? '')}
      />
    </label>
  )
}

/** DateBox is one labelled date of the filter. */
export function DateBox({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const id = useId()
  return (
    <label htmlFor={id}>
      {label}
      <Input id={id} type="date" value={value} style={{ width: 150 }} onChange={(e) => onChange(e.target.value)} />
    </label>
  )
}

export function FilterBar({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="filters" role="search" aria-label={label}>
      {children}
    </div>
  )
}
