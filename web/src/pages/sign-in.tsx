import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import { useState } from 'react'
import { Link, Navigate, useSearchParams } from 'react-router'
import { ApiError } from '../api/call'
import { LanguageSwitch } from '../frame/frame'
import { useWords } from '../i18n'
import { Failure, Note } from '../parts/states'
import { useSession } from '../session'
import { safePlace } from './place'

export function SignIn() {
  const { t } = useWords()
  const { account, lost, signIn } = useSession()
  const [params] = useSearchParams()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  if (account) return <Navigate replace to={safePlace(params.get('next'))} />

  const submit = async (typed: { login: string; password: string }) => {
    setBusy(true)
    setError(null)
    try {
      await signIn(typed.login.trim(), typed.password)
    } catch (cause) {
      setError(cause)
      setBusy(false)
    }
  }
  return (
    <div className="sign-in">
      <main>
        <h1>
          <img src="/icon.svg" alt="" width="32" height="32" />
          {t('brand')}
        </h1>
        <div className="sheet">
          {lost && <Note tone="warn" title={t('signIn.lost')} />}
          {error instanceof ApiError && error.status === 401 ? <Note tone="late" title={t('signIn.wrong')} /> : <Failure error={error} />}
          <Form layout="vertical" requiredMark={false} onFinish={(v) => void submit(v)} disabled={busy}>
            <Form.Item name="login" label={t('signIn.login')} rules={[{ required: true, message: t('form.required') }]}>
              <Input autoComplete="username" autoFocus autoCapitalize="none" />
            </Form.Item>
            <Form.Item name="password" label={t('signIn.password')} rules={[{ required: true, message: t('form.required') }]}>
              <Input.Password autoComplete="current-password" visibilityToggle={false} />
            </Form.Item>
            <Button type="primary" htmlType="submit" block loading={busy}>
              {t('signIn.act')}
            </Button>
          </Form>
        </div>
        <div className="below">
          <Link to="/open-lists">{t('nav.openLists')}</Link>
          <Link to="/verify">{t('nav.verify')}</Link>
          <LanguageSwitch />
        </div>
      </main>
    </div>
  )
}
