import Button from 'antd/es/button'
import Form from 'antd/es/form'
import Input from 'antd/es/input'
import Select from 'antd/es/select'
import { useState } from 'react'
import { type Account, plinth } from '../../api/plinth'
import { useWords } from '../../i18n'
import { PageHead, Sheet } from '../../parts/page'
import { usePaged } from '../../parts/paged'
import { Failure, Note } from '../../parts/states'
import { type Column, PagedTable, useOptions } from '../../parts/table'
import { minute } from '../../parts/time'
import { useWrite } from '../../parts/write'
import { useSession } from '../../session'
import { useAgents } from '../catalog/agents'

const roles = ['steward', 'registrar', 'provider', 'department', 'analyst', 'auditor', 'security', 'operator'] as const

export default function Accounts() {
  const { t, word } = useWords()
  const { has, account } = useSession()
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState('')
  const list = usePaged('accounts', async (pageToken, signal) => {
    const a = await plinth.listAccounts({ pageToken, pageSize: 50 }, { signal })
    return { rows: a.accounts ?? [], next: a.nextPageToken }
  })
  const disable = useWrite((key, id: string) => plinth.disableAccount({ id }, { key }), list.reload)
  const columns: Column<Account>[] = [
    { key: 'login', title: t('signIn.login'), cell: (a) => <code>{a.login}</code>, text: (a) => a.login },
    { key: 'name', title: t('account.name'), cell: (a) => a.name, text: (a) => a.name },
    { key: 'department', title: t('account.department'), cell: (a) => a.departmentName || a.department, text: (a) => a.departmentName },
    { key: 'roles', title: t('account.roles'), cell: (a) => (a.roles ?? []).map((r) => word('role', r)).join(', '), text: (a) => (a.roles ?? []).join(' ') },
    { key: 'state', title: t('dataset.state'), cell: (a) => <span className={`tone ${a.disabled ? 'late' : 'ok'}`}>{t(a.disabled ? 'account.disabled' : 'account.enabled')}</span>, text: (a) => String(!a.disabled) },
    { key: 'created', title: t('request.created'), cell: (a) => minute(a.createdAt), text: (a) => minute(a.createdAt) },
    ...(has('operator')
      ? [{
          key: 'act',
          title: t('account.act'),
          cell: (a: Account) => !a.disabled && a.id !== account?.id && <Button size="small" danger loading={disable.busy} onClick={() => void disable.run(a.id)} aria-label={t('account.disableWho', { login: a.login })}>{t('account.disable')}</Button>,
          text: () => '',
        }]
      : []),
  ]
  const added = (a: Account) => {
    setAdding(false)
    setMade(a.login)
    list.reload()
  }
  return (
    <>
      <PageHead title={t('nav.accounts')} about={t('accounts.about')}>
        {has('operator') && (
          <Button type="primary" aria-expanded={adding} onClick={() => setAdding(!adding)}>
            {t('account.add')}
          </Button>
        )}
      </PageHead>
      {made && <Note tone="ok" title={t('account.made', { login: made })} />}
      {adding && <NewAccount then={added} />}
      <Failure error={disable.error} />
      <Sheet>
        <PagedTable name="accounts" label={t('nav.accounts')} of={list} columns={columns} rowKey={(a) => a.id} empty={t('accounts.empty')} />
      </Sheet>
    </>
  )
}

type NewForm = Pick<Account, 'login' | 'name' | 'department' | 'roles' | 'password'>

function NewAccount({ then }: { then: (a: Account) => void }) {
  const { t, text } = useWords()
  const agents = useAgents()
  const create = useWrite((key, account: NewForm) => plinth.createAccount({ account }, { key }), then)
  const required = { required: true, message: t('form.required') }
  return (
    <Sheet title={t('account.add')}>
      <Form layout="vertical" className="form" onFinish={(v: NewForm) => void create.run(v)}>
        <Form.Item name="login" label={t('signIn.login')} extra={t('account.loginHelp')} rules={[required, { pattern: /^[a-z][a-z0-9._-]*$/, message: t('account.loginWrong') }]}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="name" label={t('account.name')} rules={[required]}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="department" label={t('account.department')} rules={[required]}>
          <Select showSearch={{ optionFilterProp: 'label' }} options={agents.map((a) => ({ value: a.id, label: text(a.name) }))} />
        </Form.Item>
        <Form.Item name="roles" label={t('account.roles')} extra={t('account.rolesHelp')} rules={[required]}>
          <Select mode="multiple" options={useOptions('role', roles)} />
        </Form.Item>
        <Form.Item name="password" label={t('signIn.password')} extra={t('account.passwordHelp')} rules={[required, { min: 12, message: t('account.passwordHelp') }]}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Failure error={create.error} />
        <Button type="primary" htmlType="submit" loading={create.busy}>
          {t('account.add')}
        </Button>
      </Form>
    </Sheet>
  )
}
