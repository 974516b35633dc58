import Button from 'antd/es/button'
import { type Ref, type RefObject, useEffect } from 'react'
import { useNavigate } from 'react-router'
import { useWords } from '../i18n'

const typing = 'input, textarea, select, [contenteditable="true"]'

/** useKeys binds "/" to the page's search (or the catalogue's) and "?" to the list of keys. */
export function useKeys(dialog: RefObject<HTMLDialogElement | null>) {
  const navigate = useNavigate()
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target instanceof Element && e.target.closest(typing))) return
      if (e.key === '/') {
        e.preventDefault()
        const search = document.querySelector<HTMLInputElement>('[data-search] input, input[data-search]')
        if (search) search.focus()
        else void navigate('/datasets')
      }
      if (e.key === '?') dialog.current?.showModal()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [dialog, navigate])
}

export function Keys({ ref }: { ref: Ref<HTMLDialogElement> }) {
  const { t } = useWords()
  return (
    <dialog ref={ref} aria-labelledby="keys">
      <h2 id="keys">{t('keys.title')}</h2>
      <dl className="facts">
        <dt><kbd>/</kbd></dt>
        <dd>{t('keys.search')}</dd>
        <dt><kbd>?</kbd></dt>
        <dd>{t('keys.list')}</dd>
        <dt><kbd>Ctrl</kbd> + <kbd>Enter</kbd></dt>
        <dd>{t('keys.run')}</dd>
        <dt><kbd>Esc</kbd></dt>
        <dd>{t('keys.close')}</dd>
      </dl>
      <form method="dialog">
        <Button htmlType="submit">{t('act.close')}</Button>
      </form>
    </dialog>
  )
}
