// The journeys through the console on a running service, in both languages: no error on the console, no serious
// finding of axe. PLINTH_URL names the service, PLINTH_CREDENTIALS the file {login: password}; without them one is started.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { checkAxe, choose, closeHouse, launch, openPage, signIn, signOut, url, words } from './browser.mjs'

let browser
before(async () => {
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await closeHouse()
})

/** journey runs a story in each language and fails on anything that the browser complained of. */
function journey(name, story) {
  for (const language of ['zh', 'en']) {
    test(`${name} (${language})`, { timeout: 420_000 }, async () => {
      const opened = await openPage(browser, language)
      try {
        await story({ ...opened, t: words(language), language })
        assert.deepEqual(opened.faults, [])
      } catch (cause) {
        await opened.page.screenshot({ path: `failed-${name.slice(0, 1)}-${language}.png`, fullPage: true }).catch(() => {})
        throw cause
      } finally {
        await opened.close()
      }
    })
  }
}

const button = (page, name) => page.getByRole('button', { name, exact: true })
const unique = () => Date.now().toString(36)

/** until reloads the page until it shows what the service does by itself: a chain that has just started takes its time. */
async function until(page, sought, tries = 100) {
  for (let n = 0; n < tries; n++) {
    if (await sought.first().isVisible()) return
    await page.waitForTimeout(1500)
    await page.reload()
    await page.waitForTimeout(500)
  }
  assert.fail(`${sought} has not come`)
}

/** act presses the button of a registration's step and waits for the state that follows. */
async function act(page, name, state) {
  await button(page, name).click()
  await page.locator('.marks .tone', { hasText: state }).waitFor()
}

journey('a: a steward registers, a registrar approves, the open list is published, the evidence is anchored', async ({ page, t }) => {
  const title = `河道断面水质 ${unique()}`
  await signIn(page, 'steward')
  await checkAxe(page, 'overview')
  await page.goto(`${url}/datasets/new`)
  await page.locator('#title_zh').fill(title)
  await page.locator('#title_en').fill(`River water quality ${title.slice(-6)}`)
  await page.locator('#description_zh').fill('来自河道断面的自动监测站，每日汇总。')
  await page.locator('#fields_0_name').fill('section')
  await page.locator('#fields_0_title_zh').fill('断面名称')
  await page.locator('#fields_0_description').fill('断面的名称')
  await checkAxe(page, 'dataset form')
  await button(page, t('保存', 'Save')).click()
  await page.waitForURL(/\/(registrations|datasets)\/[a-z]+_/)
  if (page.url().includes('/datasets/')) await button(page, t('去办理', 'Go to the step')).click()
  await page.waitForURL(/\/registrations\//)
  const registration = page.url()
  await checkAxe(page, 'registration')
  await act(page, t('提交', 'Submit'), t('已提交', 'Submitted'))
  await signOut(page, t)

  await signIn(page, 'registrar')
  await page.goto(registration)
  await page.getByText(title).first().waitFor()
  await checkAxe(page, 'review')
  await act(page, t('受理', 'Accept'), t('已受理', 'Accepted'))
  await act(page, t('开始审核', 'Start the review'), t('形式审核', 'In review'))
  await button(page, t('公示', 'Give public notice')).click()
  await page.locator('.marks .tone', { hasText: t('公示中', 'Public notice') }).waitFor()
  const registered = button(page, t('登记赋码', 'Register'))
  for (let n = 0; n < 30 && !(await registered.isVisible()); n++) {
    await page.waitForTimeout(1000)
    await page.reload()
  }
  await act(page, t('登记赋码', 'Register'), t('已登记', 'Registered'))
  await signOut(page, t)

  await signIn(page, 'steward')
  await page.goto(`${url}/open-lists`)
  await button(page, t('预览下一期', 'Preview the next list')).click()
  await page.getByText(new RegExp(title.slice(-6))).first().waitFor()
  await checkAxe(page, 'open list preview')
  await button(page, t('发布', 'Publish')).click()
  await page.waitForURL(/\/open-lists\/\d+$/)
  const number = page.url().split('/').at(-1)
  const csv = await page.request.get(`${url}/open/${number}.csv`)
  assert.equal(csv.status(), 200)
  assert.match(await csv.text(), new RegExp(title))
  assert.equal((await page.request.get(`${url}/open/${number}.jsonld`)).status(), 200)
  await until(page, page.getByText(t('已上链', 'Anchored'), { exact: true }))
})

journey('c: a department asks, a provider approves, an analyst queries, a denial is explained', async ({ page, t, expect }) => {
  expect('403')
  await signIn(page, 'department')
  await page.goto(`${url}/datasets?state=registered`)
  const dataset = process.env.PLINTH_DATASET ?? t('城市运行事件工单', 'City operation events')
  await page.locator('table a[href^="/datasets/"]', { hasText: dataset }).first().click()
  await page.locator('.marks').waitFor()
  await checkAxe(page, 'dataset')
  await button(page, t('申请使用', 'Request use')).click()
  await page.waitForURL(/\/ask$/)
  await page.getByText(t('全部行', 'All rows'), { exact: true }).click()
  await page.locator('#purpose').waitFor()
  await page.locator('#purpose').click()
  await page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option').first().click()
  await page.locator('#reason').fill('核对独居老人相关工单，安排上门探访。')
  await checkAxe(page, 'request form')
  await button(page, t('提交申请', 'Send the request')).click()
  await page.waitForURL(/\/requests\/[a-z]+_/)
  const request = page.url()
  await signOut(page, t)

  await signIn(page, 'provider')
  await page.goto(request)
  await button(page, t('同意', 'Approve')).waitFor()
  await checkAxe(page, 'answer')
  await button(page, t('同意', 'Approve')).click()
  await page.locator('.marks .tone', { hasText: t('已同意', 'Approved') }).waitFor()
  await signOut(page, t)

  await signIn(page, 'analyst')
  await page.goto(request)
  await button(page, t('查询', 'Query')).click()
  await page.waitForURL(/\/workbench\?grant=/)
  await page.locator('.cm-content').waitFor()
  for (let n = 0; n < 15; n++) {
    await button(page, t('运行', 'Run')).click()
    await page.waitForTimeout(1500)
    if (await page.getByRole('heading', { name: t('结果', 'Result') }).isVisible()) break
    expect('503')
  }
  await page.getByText(t('准许：所有前提都成立', 'Permitted: every premise holds')).waitFor()
  await checkAxe(page, 'workbench')

  const purposes = page.locator('#purpose')
  await purposes.click()
  await page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option:not(.ant-select-item-option-selected)').first().click()
  await button(page, t('运行', 'Run')).click()
  await page.getByText(t('拒绝：有前提不成立', 'Denied: a premise does not hold')).waitFor()
  await page.getByText('purpose.match').waitFor()
  await page.getByRole('link', { name: t('申请使用这份数据', 'Request the use of this data') }).waitFor()
  await checkAxe(page, 'denial')
})

/** watchSent collects what requests carry away from the page, bodies and addresses. */
function watchSent(page) {
  const sent = []
  page.on('request', (r) => sent.push(`${r.url()}\n${r.postData() ?? ''}`))
  return sent
}

journey('d: an auditor verifies by short code and picture, an altered byte is refused by its part, an audit ends well', async ({ page, t, expect }) => {
  await signIn(page, 'auditor')
  await page.goto(`${url}/evidence?state=anchored`)
  const codes = page.locator('table .mono', { hasText: /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/ })
  await until(page, codes)
  const code = await codes.first().innerText()
  await page.goto(`${url}/evidence?code=${code.replaceAll('-', '').toLowerCase()}`)
  await page.locator('table a[href^="/evidence/"]').first().click()
  await page.locator('figure.code').waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, t('下载凭证', 'Download the receipt')).click()])
  const receipt = readFileSync(await download.path(), 'utf8')
  const picture = await page.locator('figure.code svg').screenshot()
  await checkAxe(page, 'record')

  await page.goto(`${url}/audits`)
  await checkAxe(page, 'audits')
  const start = button(page, t('开始审计', 'Start an audit'))
  await start.click()
  await page.waitForURL(/\/audits\/ij_/)
  const audit = page.url()
  await signOut(page, t)

  // A stranger with the paper in hand: the picture leads to the code, the code to the verdict.
  await page.goto(`${url}/verify`)
  await checkAxe(page, 'verify')
  await page.locator('input[type=file]').first().setInputFiles({ name: 'paper.png', mimeType: 'image/png', buffer: picture })
  await page.waitForURL(`${url}/v/${code}`)
  await page.locator('.verdict', { hasText: t('属实', 'Proven') }).waitFor()
  await page.getByText(t('签名时间：条目里的时间是写入方说的', 'The time of signing: times in the entry are the writer’s word')).waitFor()
  await checkAxe(page, 'verdict')
  await button(page, t('核验报告', 'Report')).click()
  await page.getByRole('heading', { name: t('存证核验报告', 'Evidence verification report') }).waitFor()
  await checkAxe(page, 'report')

  // What is verified by file stays in the browser: no request carries any of it.
  await page.goto(`${url}/verify`)
  const sent = watchSent(page)
  for (const at of [0.35, 0.6, 0.85]) {
    const n = Math.floor(receipt.length * at)
    const altered = receipt.slice(0, n) + (receipt[n] === 'A' ? 'B' : 'A') + receipt.slice(n + 1)
    await page.locator('input[type=file]').first().setInputFiles({ name: 'altered.tlog-proof', mimeType: 'application/octet-stream', buffer: Buffer.from(altered) })
    await page.getByText(/altered\.tlog-proof.*\d+/).first().waitFor()
    await button(page, t('验证', 'Verify')).click()
    await page.locator('.verdict').waitFor()
    assert.doesNotMatch(await page.locator('.verdict').innerText(), new RegExp(t('^属实', '^Proven')))
    assert.notEqual(await page.locator('.fault-part').innerText(), '')
  }
  const middle = receipt.slice(Math.floor(receipt.length / 3), Math.floor(receipt.length / 3) + 40)
  assert.ok(sent.some((s) => s.includes('/v1/evidence/roots')), 'the roots were asked for')
  assert.deepEqual(sent.filter((s) => s.includes(middle) || s.includes(encodeURIComponent(middle)) || s.split('\n')[1] !== ''), [])

  expect('404')
  await page.goto(`${url}/v/0000-0000-0000-0000`)
  await page.getByText(t('没有短码为 0000-0000-0000-0000 的存证', 'No record has the short code 0000-0000-0000-0000')).waitFor()

  await signIn(page, 'auditor')
  await page.goto(audit)
  await page.locator('.verdict', { hasText: t('属实', 'Proven') }).waitFor({ timeout: 120_000 })
  await checkAxe(page, 'audit')
})

journey('e: an operator finds a device by its street, sees its readings come, and looks at alarms, vital signs and pipelines', async ({ page, t }) => {
  await signIn(page, 'operator')
  await page.goto(`${url}/devices`)
  await page.locator('.dots canvas').waitFor()
  await page.locator('.district .area').first().click()
  await page.waitForURL(/street=/)
  await checkAxe(page, 'devices')
  await page.locator('table a[href^="/devices/"]').first().click()
  await page.getByText(t('最新读数', 'Newest readings')).waitFor()
  await page.locator('.chart canvas').waitFor({ timeout: 120_000 }) // a slow device may not have spoken yet
  await page.locator('aside .tone.ok', { hasText: t('实时', 'Live') }).waitFor()
  await checkAxe(page, 'device')
  await page.getByRole('tab', { name: t('概况', 'About') }).click()
  await page.locator('.device-code svg').waitFor()
  await page.goto(`${url}/alarms`)
  await page.locator('.grades b').first().waitFor()
  await checkAxe(page, 'alarms')
  await page.goto(`${url}/vitals`)
  await page.locator('.compass path').first().waitFor()
  await checkAxe(page, 'vital signs')
  await page.goto(`${url}/pipelines`)
  await page.locator('table a[href^="/pipelines/"]').first().click()
  await page.getByRole('tab', { name: t('运行', 'Runs') }).waitFor()
  await checkAxe(page, 'pipeline')
})

const quoted = (v) => `"${JSON.stringify(v).replaceAll('"', '""')}"`

/** listOfDevices is a CSV of two lifts and one row at fault. */
function listOfDevices(id) {
  const metrics = quoted([{ name: 'speed', unit: 'm/s', max: 4 }, { name: 'ebike', unit: '1', max: 1 }])
  const row = (n) => `${id}-${n},lift,market,试验梯 ${n},caoyang,3600,${metrics}`
  return ['id,kind,owner,name_zh,street,interval_s,metrics', row(1), row(2).replace(id, 'NO GOOD'), row(3)].join('\n')
}

/** importDevices brings a list in by the page, loses the answer on the way, and gives the secrets that are renewed, by id. */
async function importDevices(page, t, csv) {
  await page.goto(`${url}/devices`)
  await button(page, t('批量导入', 'Bulk import')).click()
  await page.waitForURL(/\/devices\/import$/)
  await page.locator('input[type=file]').setInputFiles({ name: 'lifts.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
  await button(page, t('检查', 'Check')).click()
  await page.getByRole('cell', { name: 'id', exact: true }).waitFor()
  await checkAxe(page, 'device import')
  await page.route(/device-imports\?dry_run=false/, (route) => route.fetch().then((response) => route.fulfill({ response, body: '' })), { times: 1 })
  await button(page, t('导入 2 台', 'Import 2')).click()
  await page.getByText(t('导入中断', 'The import broke off')).waitFor()
  await button(page, t('重新检查', 'Check again')).click()
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, t('换发密码', 'Give new secrets')).click()])
  await page.getByText(t('2 台设备的凭据已存成文件', 'The credentials of 2 devices were saved')).waitFor()
  const [, ...lines] = readFileSync(await download.path(), 'utf8').trim().split('\r\n')
  return new Map(lines.map((l) => l.split(',')))
}

journey('f: an operator imports a list of devices; one of them raises an alarm, which is acknowledged and closed', async ({ page, t, language }) => {
  const id = `lift-${unique()}-${language}`
  await signIn(page, 'operator')
  const secrets = await importDevices(page, t, listOfDevices(id))
  assert.deepEqual([...secrets.keys()], [`${id}-1`, `${id}-3`])
  const sent = await page.request.post(`${url}/v1/ingest`, { headers: { Authorization: `Bearer ${secrets.get(`${id}-1`)}` }, data: { at: new Date().toISOString(), seq: 1, v: { speed: 0, ebike: 1 } } })
  assert.deepEqual(await sent.json(), { stored: 2, refused: 0, refusals: [] })

  await page.goto(`${url}/devices/${id}-1?tab=alarms`)
  const alarm = page.locator('table a[href^="/alarms/"]')
  await until(page, alarm)
  await alarm.first().click()
  await button(page, t('确认，我去看', 'Acknowledge')).click()
  await page.locator('.marks .tone', { hasText: t('已确认', 'Acknowledged') }).waitFor()
  await page.getByText(t('属实', 'Real'), { exact: true }).click()
  await page.locator('#alarm-note').fill('现场已处置，车已推出。')
  await button(page, t('处置完毕', 'Handled')).click()
  await page.locator('.marks .tone', { hasText: t('已处置', 'Handled') }).waitFor()
  await checkAxe(page, 'alarm')

  await page.goto(`${url}/devices/labels?query=${id}`)
  await button(page, t('选这一页', 'Pick this page')).click()
  await page.locator('.label svg').nth(1).waitFor()
  await checkAxe(page, 'labels')
  await page.goto(`${url}/device-figures?rule=missing_grid&kind=lift`)
  await page.locator('table a[href^="/devices/lift-"]').first().waitFor() // a survey answers for a minute: the other language's lifts may be in it
  await checkAxe(page, 'device figures')
})

journey('g: an operator mends a dead letter and sends it again, and opens the receipt of a reading', async ({ page, t, language }) => {
  const id = `probe-${unique()}-${language}`
  const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  await signIn(page, 'operator')
  await page.goto(`${url}/import`)
  await choose(page, 'mapping', '(series)')
  await page.locator('input[type=file]').setInputFiles({ name: `${id}.csv`, mimeType: 'text/csv', buffer: Buffer.from(`timestamp,value\n${at(9)},7.5\n${at(4)},seven\n`) })
  await button(page, t('开始导入', 'Start')).click()
  await page.locator('a[href^="/dead-letters?runId="]').click()
  await button(page, t('打开', 'Open')).click()
  const payload = page.locator('#letter-payload')
  await payload.fill((await payload.inputValue()).replace('seven', '7.25'))
  await page.locator('#letter-why-one').fill('单位补录时写成了文字')
  await checkAxe(page, 'dead letter')
  await button(page, t('重放', 'Replay')).click()
  await page.getByText(t('1 条中办结 1 条，存入 1 行', '1 of 1 closed, 1 rows stored')).waitFor()
  await page.goto(`${url}/devices/${id}`)
  await button(page, t('图后面的表', 'The table behind it')).click()
  await page.getByRole('cell', { name: '7.25', exact: true }).waitFor()

  await page.goto(`${url}/devices?kind=lift&liveness=online`)
  await page.locator('table a[href^="/devices/"]').first().click()
  await page.waitForURL(/\/devices\/lift/)
  await verifyReading(page, t, new URL(page.url()).pathname.split('/').at(-1))
})

/** verifyReading fetches the receipt of a device's oldest reading on show and has it verified as a stranger would. */
async function verifyReading(page, t, device) {
  await button(page, t('图后面的表', 'The table behind it')).click()
  const receipt = page.locator('td').getByRole('button', { name: t('凭证', 'Receipt'), exact: true }).first()
  await receipt.waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), receipt.click()])
  assert.match(download.suggestedFilename(), /\.plinth-device$/)
  await button(page, t('核验这份凭证', 'Verify it')).click()
  assert.equal(await page.locator('#ask_device').inputValue(), device)
  await button(page, t('验证', 'Verify')).click()
  await page.locator('.verdict', { hasText: t('属实', 'Proven') }).waitFor()
}
