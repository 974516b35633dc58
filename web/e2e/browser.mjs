// What every journey needs: Debian's Chromium, a page that tells of its errors, sign-in, and the axe check.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import { openHouse } from './house.mjs'

const require = createRequire(import.meta.url)
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** The service that the pages are of. Top-level, so that every file that imports it finds it running. */
const house = await openHouse()
export const { url, credentials, close: closeHouse } = house

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags })

/** words picks a phrase by the page's language. */
export const words = (language) => (zh, en) => (language === 'zh' ? zh : en)

/** openPage gives a page in a language and the list of what went wrong in it; `expect` names refusals that a journey asks for. */
export async function openPage(browser, language, size = { width: 1280, height: 860 }) {
  const context = await browser.newContext({ viewport: size, locale: language === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', acceptDownloads: true })
  await context.addInitScript((l) => localStorage.setItem('plinth.language', l), language)
  const page = await context.newPage()
  const faults = []
  const expected = []
  page.on('console', (m) => {
    const text = m.text()
    if (m.type() === 'error' && !expected.some((e) => text.includes(e))) faults.push(text)
  })
  page.on('pageerror', (e) => faults.push(String(e)))
  page.setDefaultTimeout(30_000)
  return { page, faults, expect: (text) => expected.push(text), close: () => context.close() }
}

export async function signIn(page, login) {
  await page.goto(`${url}/sign-in`)
  await page.locator('#login').fill(login)
  await page.locator('#password').fill(credentials[login])
  await page.locator('button[type=submit]').click()
  await page.locator('nav').first().waitFor({ state: 'attached' })
}

export async function signOut(page, t) {
  await page.getByRole('button', { name: t('退出', 'Sign out') }).click()
  await page.locator('#login').waitFor()
}

/** choose picks an option of a select by its visible text. */
export async function choose(page, id, text) {
  await page.locator(`#${id}`).click()
  await page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option', { hasText: text }).first().click()
}

/** checkAxe fails on serious and critical findings (WCAG 2.2 A and AA). */
export async function checkAxe(page, where) {
  // Evaluated by the debugger: the page's own policy admits no foreign script.
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
  const bad = found.violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${where}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} (${n.failureSummary?.split('\n').slice(1, 3).join(' ').trim()})`).join(' | ')}`)
  assert.deepEqual(bad, [])
}
