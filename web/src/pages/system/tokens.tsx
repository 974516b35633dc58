import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import InputNumber from 'antd/es/input-number'
import Select from 'antd/es/select'
import { useState } from 'react'
import { type CreateTokenResponse, plinth, type Token } from '../../api/plinth'
import { useWords } from '../../i18n'
import { PageHead, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Failure, Note } from '../../parts/states'
import { type Column, PagedTable } from '../../parts/table'
import { isPast, minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'

function stateOf(k: Token): 'revoked' | 'expired' | 'active' {
  if (k.revokedAt) return 'revoked'
  return isPast(k.expiresAt, new Date()) ? 'expired' : 'active'
}

export default function Tokens() {
  const { t, word } = useWords()
  const [secret, setSecret] = useState('')
  const list = usePaged('tokens', async (pageToken, signal) => {
    const a = await plinth.listTokens({ pageToken, pageSize: 50 }, { signal })
    return { rows: a.tokens ?? [], next: a.nextPageToken }
  })
  const revoke = useWrite((key, id: string) => plinth.revokeToken({ id }, { key }), list.reload)
  const columns: Column<Token>[] = [
    { key: 'name', title: t('token.name'), cell: (k) => k.name, text: (k) => k.name },
    { key: 'scopes', title: t('account.roles'), cell: (k) => (k.scopes ?? []).map((r) => word('role', r)).join(', '), text: (k) => (k.scopes ?? []).join(' ') },
    { key: 'state', title: t('dataset.state'), cell: (k) => <span className={`tone ${stateOf(k) === 'active' ? 'ok' : 'late'}`}>{word('grantState', stateOf(k))}</span>, text: stateOf },
    { key: 'expires', title: t('grant.until'), cell: (k) => minute(k.expiresAt), text: (k) => minute(k.expiresAt) },
    { key: 'used', title: t('token.used'), cell: (k) => minute(k.lastUsedAt) || '–', text: (k) => minute(k.lastUsedAt) },
    { key: 'created', title: t('request.created'), cell: (k) => minute(k.createdAt), text: (k) => minute(k.createdAt) },
    {
      key: 'act',
      title: t('account.act'),
      cell: (k) => stateOf(k) === 'active' && <Button size="small" danger loading={revoke.busy} onClick={() => void revoke.run(k.id)} aria-label={t('token.revokeWhich', { name: k.name })}>{t('token.revoke')}</Button>,
      text: () => '',
    },
  ]
  const added = (a: CreateTokenResponse) => {
    setSecret(a.secret)
    list.reload()
  }
  return (
    <>
      <PageHead title={t('nav.tokens')} about={t('tokens.about')} />
      {secret && (
        <Note tone="warn" title={t('token.once')}>
          <p>
            <code>{secret}</code>
          </p>
        </Note>
      )}
      <Sheet title={t('token.add')}>
        <NewToken then={added} />
      </Sheet>
      <Failure error={revoke.error} />
      <Sheet>
        <PagedTable name="tokens" label={t('nav.tokens')} of={list} columns={columns} rowKey={(k) => k.id} empty={t('tokens.empty')} />
      </Sheet>
      <Sheet title={t('password.title')}>
        <ChangePassword />
      </Sheet>
    </>
  )
}

function NewToken({ then }: { then: (a: CreateTokenResponse) => void }) {
  const { t, word } = useWords()
  const { account } = useSession()
  const create = useWrite((key, v: { name: string; scopes: string[]; validDays: number }) => plinth.createToken(v, { key }), then)
  const required = { required: true, message: t('form.required') }
  return (
    <Form layout="vertical" className="form" initialValues={{ validDays: 90 }} onFinish={(v: { name: string; scopes: string[]; validDays: number }) => void create.run(v)}>
      <Form.Item name="name" label={t('token.name')} extra={t('token.nameHelp')} rules={[required]}>
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="scopes" label={t('account.roles')} extra={t('token.scopesHelp')} rules={[required]}>
        <Select mode="multiple" options={(account?.roles ?? []).map((r) => ({ value: r, label: word('role', r) }))} />
      </Form.Item>
      <Form.Item name="validDays" label={t('token.days')} extra={t('token.daysHelp')} rules={[required]}>
        <InputNumber min={1} max={365} precision={0} />
      </Form.Item>
      <Failure error={create.error} />
      <Button type="primary" htmlType="submit" loading={create.busy}>
        {t('token.add')}
      </Button>
    </Form>
  )
}

function ChangePassword() {
  const { t } = useWords()
  const [done, setDone] = useState(false)
  const [form] = Form.useForm<{ oldPassword: string; newPassword: string }>()
  const change = useWrite(
    (key, v: { oldPassword: string; newPassword: string }) => plinth.changePassword(v, { key }),
    () => {
      setDone(true)
      form.resetFields()
    },
  )
  const required = { required: true, message: t('form.required') }
  return (
    <Form form={form} layout="vertical" className="form" onFinish={(v) => void change.run(v)}>
      <Form.Item name="oldPassword" label={t('password.old')} rules={[required]}>
        <Input.Password autoComplete="current-password" />
      </Form.Item>
      <Form.Item name="newPassword" label={t('password.new')} extra={t('account.passwordHelp')} rules={[required, { min: 12, message: t('account.passwordHelp') }]}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Failure error={change.error} />
      {done && <Note tone="ok" title={t('password.done')} />}
      <Button htmlType="submit" loading={change.busy}>
        {t('password.change')}
      </Button>
    </Form>
  )
}
