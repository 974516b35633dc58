// Takes a picture of every page in both languages, for people to look at: node e2e/shots.mjs [folder] [name]
import { mkdirSync } from 'node:fs'
import { checkAxe, closeHouse, launch, openPage, signIn, url } from './browser.mjs'

const folder = process.argv[2] ?? 'shots'
const only = process.argv[3]
mkdirSync(folder, { recursive: true })

/** first opens a list and follows the first link of its table. */
const first = (list, prefix) => async (page) => {
  await page.goto(url + list)
  const link = page.locator(`table a[href^="${prefix}"]`).first()
  await link.waitFor({ timeout: 8000 })
  await link.click()
}
const at = (path) => (page) => page.goto(url + path)
const then = (go, name) => async (page) => {
  await go(page)
  await page.getByRole('button', { name }).first().click()
  await page.waitForTimeout(1000)
}
const tab = (go, n) => async (page) => {
  await go(page)
  await page.getByRole('tab').nth(n).click()
}

/** byCode opens the public page of the newest anchored record's short code. */
const byCode = async (page) => {
  await page.goto(`${url}/evidence?state=anchored`)
  const code = await page.locator('table .mono', { hasText: /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/ }).first().innerText()
  await page.goto(`${url}/v/${code}`)
  await page.locator('.verdict').waitFor()
}

/** follow opens the case or the provenance that the newest request's record leads to. */
const follow = (prefix) => async (page) => {
  await first('/evidence?kind=request.created', '/evidence/')(page)
  await page.locator(`a[href^="${prefix}"]`).first().click()
  await page.waitForURL(`**${prefix}**`)
}

const pages = [
  ['steward', 'overview-steward', at('/')],
  ['steward', 'datasets', at('/datasets')],
  ['steward', 'dataset', first('/datasets', '/datasets/')],
  ['steward', 'dataset-fields', tab(first('/datasets', '/datasets/'), 1)],
  ['steward', 'dataset-new', at('/datasets/new')],
  ['steward', 'registrations', at('/registrations')],
  ['steward', 'registration', first('/registrations', '/registrations/')],
  ['steward', 'open-lists', then(at('/open-lists'), /预览下一期|Preview the next/)],
  ['steward', 'open-list', first('/open-lists', '/open-lists/')],
  ['registrar', 'overview-registrar', at('/')],
  ['department', 'overview-department', at('/')],
  ['department', 'requests', at('/requests')],
  ['department', 'request', first('/requests', '/requests/')],
  ['department', 'ask', then(first('/datasets?state=registered', '/datasets/'), /申请使用|Request use/)],
  ['provider', 'overview-provider', at('/')],
  ['provider', 'grants', at('/grants')],
  ['provider', 'grant', first('/grants', '/grants/')],
  ['provider', 'decisions', at('/decisions')],
  ['provider', 'decision', first('/decisions', '/decisions/')],
  ['analyst', 'overview-analyst', at('/')],
  ['analyst', 'workbench', then(at('/workbench'), /^(运行|Run)$/)],
  ['operator', 'overview-operator', at('/')],
  ['operator', 'devices', at('/devices')],
  ['operator', 'device', first('/devices', '/devices/')],
  ['operator', 'device-about', tab(first('/devices', '/devices/'), 1)],
  ['operator', 'device-alarms', tab(first('/devices', '/devices/'), 2)],
  ['operator', 'alarms', at('/alarms')],
  ['operator', 'alarm', first('/alarms', '/alarms/')],
  ['operator', 'vitals', at('/vitals')],
  ['operator', 'vital', first('/vitals', '/vitals/')],
  ['operator', 'pipelines', at('/pipelines')],
  ['operator', 'pipeline', first('/pipelines', '/pipelines/')],
  ['operator', 'device-new', at('/devices/new')],
  ['operator', 'record-erasure', then(first('/evidence?state=anchored', '/evidence/'), /^抹除这个|^Erase this/)],
  ['operator', 'runs', at('/runs')],
  ['operator', 'dead-letters', at('/dead-letters')],
  ['operator', 'import', at('/import')],
  ['operator', 'engines', at('/engines')],
  ['operator', 'accounts', at('/accounts')],
  ['operator', 'incidents', at('/incidents')],
  ['operator', 'events', at('/incidents?view=events')],
  ['operator', 'incident', first('/incidents', '/incidents/')],
  ['operator', 'trends', at('/trends')],
  ['auditor', 'overview-auditor', at('/')],
  ['auditor', 'evidence', at('/evidence')],
  ['auditor', 'record', first('/evidence?state=anchored', '/evidence/')],
  ['auditor', 'record-device', first('/evidence?state=anchored&origin=device', '/evidence/')],
  ['auditor', 'case', follow('/evidence/cases/')],
  ['auditor', 'provenance', follow('/evidence/provenance')],
  ['auditor', 'device-evidence', tab(first('/devices', '/devices/'), 3)],
  ['auditor', 'audits', at('/audits')],
  ['auditor', 'audit-job', first('/audits', '/audits/')],
  ['auditor', 'code', byCode],
  ['auditor', 'report', then(byCode, /核验报告|Report/)],
  ['auditor', 'chain', at('/chain')],
  ['auditor', 'verify', at('/verify')],
  ['security', 'overview-security', at('/')],
  ['security', 'alerts', at('/alerts')],
  ['security', 'alert', first('/alerts', '/alerts/')],
  ['security', 'consumers', at('/consumers')],
  ['security', 'tokens', at('/tokens')],
  ['', 'sign-in', at('/sign-in')],
  ['', 'public-open-lists', at('/open-lists')],
]
const onPhone = ['overview-steward', 'datasets', 'dataset', 'registration', 'devices', 'device', 'alarms', 'alarm', 'vitals', 'incidents', 'workbench', 'verify', 'code', 'record']

async function shoot(session, path, name, go) {
  const { page, faults } = session
  try {
    await go(page)
    await page.waitForLoadState('load')
    await page.waitForTimeout(1200)
    await checkAxe(page, name)
  } catch (cause) {
    console.error(`${path}: ${String(cause.message).slice(0, 900)}`)
  }
  await page.screenshot({ path, fullPage: true })
  for (const f of faults.splice(0)) console.error(`${path}: ${f}`)
}

/** shootAll takes the wanted pages in one language and size; every role has a browser of its own. */
async function shootAll(language, size, viewport) {
  const wanted = pages.filter(([, name]) => (!size || onPhone.includes(name)) && (!only || name.includes(only)))
  for (const login of new Set(wanted.map(([login]) => login))) {
    const browser = await launch()
    try {
      const session = await openPage(browser, language, viewport)
      if (login) await signIn(session.page, login)
      for (const [, name, go] of wanted.filter(([l]) => l === login)) {
        await shoot(session, `${folder}/${language}-${size}${name}.png`, name, go)
      }
    } catch (cause) {
      console.error(`${language} ${login}: ${cause.message}`)
    } finally {
      await browser.close()
    }
  }
}

for (const language of process.env.LANGUAGES?.split(',') ?? ['zh', 'en']) {
  await shootAll(language, '', { width: 1280, height: 860 })
  await shootAll(language, 'phone-', { width: 390, height: 844 })
}
await closeHouse()
