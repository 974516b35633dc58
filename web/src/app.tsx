import ConfigProvider from 'antd/es/config-provider'
import en from 'antd/es/locale/en_US'
import zh from 'antd/es/locale/zh_CN'
import { type ReactNode } from 'react'
import { BrowserRouter } from 'react-router'
import { LanguageProvider, useWords } from './i18n'
import { Pages } from './pages'
import { SessionProvider } from './session'

const look = {
  token: {
    colorPrimary: '#1d5a9e',
    colorInfo: '#1d5a9e',
    colorError: '#a40e26',
    colorLink: '#1d5a9e',
    colorText: '#1f2328',
    colorTextSecondary: '#57606a',
    colorTextDescription: '#57606a',
    colorTextTertiary: '#57606a',
    colorTextPlaceholder: '#6a737d',
    colorBorder: '#8c959f',
    fontSize: 14,
    fontFamily: 'var(--sans)',
    fontFamilyCode: 'var(--mono)',
    borderRadius: 6,
    controlHeight: 30,
    paddingContentVertical: 8,
    motion: false,
  },
}

function Look({ children }: { children: ReactNode }) {
  const { language } = useWords()
  return (
    <ConfigProvider theme={look} locale={language === 'zh' ? zh : en} button={{ autoInsertSpace: false }}>
      {children}
    </ConfigProvider>
  )
}

export function App() {
  return (
    <LanguageProvider>
      <Look>
        <SessionProvider>
          <BrowserRouter>
            <Pages />
          </BrowserRouter>
        </SessionProvider>
      </Look>
    </LanguageProvider>
  )
}
