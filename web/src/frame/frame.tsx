import MenuOutlined from '@ant-design/icons/es/icons/MenuOutlined'
import Button from 'antd/es/button'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useLocation } from 'react-router'
import { useWords } from '../i18n'
import { useSession } from '../session'
import { icons } from './icons'
import { Keys, useKeys } from './keys'
import { menuFor, placeOf } from './menu'

/** Frame is what stands around every page: the skip link, the top line, and the map of what the user may use. */
export function Frame({ children }: { children: ReactNode }) {
  const { t } = useWords()
  const { account } = useSession()
  const { pathname } = useLocation()
  const [openAt, setOpenAt] = useState('')
  const page = useRef<HTMLElement>(null)
  const keys = useRef<HTMLDialogElement>(null)
  useKeys(keys)
  usePlaceChange(pathname, page)
  const open = openAt === pathname
  const toggle = () => setOpenAt(open ? '' : pathname)

  return (
    <div className={account ? 'frame' : ''}>
      <a className="skip" href="#page">
        {t('frame.skip')}
      </a>
      <header className="top">
        {account && (
          <Button className="menu-button" icon={<MenuOutlined />} aria-label={t('frame.menu')} aria-expanded={open} onClick={toggle} />
        )}
        <Link className="brand" to="/">
          <img src="/icon.svg" alt="" width="26" height="26" />
          {t('brand')} <small>{t('brand.place')}</small>
        </Link>
        <span className="grow" />
        <LanguageSwitch />
        <Who />
      </header>
      {account && <Map open={open} />}
      {account && open && <button type="button" className="veil" aria-label={t('frame.close')} onClick={toggle} />}
      <main id="page" className={account ? 'page' : 'page public'} tabIndex={-1} ref={page}>
        {children}
      </main>
      <Keys ref={keys} />
    </div>
  )
}

/** usePlaceChange names the tab after the place and moves focus to the page, as a full page load would. */
function usePlaceChange(pathname: string, page: React.RefObject<HTMLElement | null>) {
  const { t } = useWords()
  const before = useRef(pathname)
  const place = placeOf(pathname)
  useEffect(() => {
    document.title = place ? `${t(place.title)} · ${t('brand')}` : t('brand')
  }, [place, t])
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    page.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [pathname, page])
}

function Map({ open }: { open: boolean }) {
  const { t } = useWords()
  const { account } = useSession()
  const { pathname } = useLocation()
  const here = placeOf(pathname)
  return (
    <nav className={open ? 'map open' : 'map'} aria-label={t('frame.map')}>
      {menuFor(account?.roles ?? []).map((section) => (
        <section key={section.key} aria-label={t(section.title)}>
          {section.key !== 'overview' && (
            <h2>
              {icons[section.key]} {t(section.title)}
            </h2>
          )}
          <ul>
            {section.places.map((place) => (
              <li key={place.path}>
                <Link to={place.path} aria-current={here === place ? 'page' : undefined}>
                  {section.key === 'overview' && icons.overview} {t(place.title)}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  )
}

export function LanguageSwitch() {
  const { language, setLanguage } = useWords()
  const other = language === 'zh' ? 'en' : 'zh'
  return (
    <Button type="text" lang={other === 'zh' ? 'zh-CN' : 'en'} onClick={() => setLanguage(other)}>
      {other === 'zh' ? '中文' : 'English'}
    </Button>
  )
}

function Who() {
  const { t, word } = useWords()
  const { account, signOut } = useSession()
  const { pathname, search } = useLocation()
  if (!account) return <Link to={`/sign-in?next=${encodeURIComponent(pathname + search)}`}>{t('signIn.title')}</Link>
  return (
    <>
      <div className="who">
        <b>{account.name || account.login}</b>
        <div className="quiet">
          {account.departmentName || account.department} · {(account.roles ?? []).map((r) => word('role', r)).join(', ')}
        </div>
      </div>
      <Button onClick={() => void signOut()}>{t('frame.signOut')}</Button>
    </>
  )
}
