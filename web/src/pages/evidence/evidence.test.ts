import encodeQR from 'qr'
import decodeQR from 'qr/decode.js'
import { expect, test } from 'vitest'
import { phrase, wordOf } from '../../i18n'
import { readAudit } from './audit-report'
import { codeOf, shortCode, verifyAddress } from './code'
import { factsOf } from './facts'
import { counted, duration, portion } from './job-progress'
import { readProv } from './prov'
import { squares } from './qr'
import { formOf } from './verifier'

const t = (key: Parameters<typeof phrase>[1], values?: Parameters<typeof phrase>[2]) => phrase('en', key, values)

test('a short code is read as people type it', () => {
  for (const typed of ['7F3K-09QX-ZT4M-P2HA', '7f3k09qxzt4mp2ha', ' 7f3k o9qx zt4m p2ha ']) expect(shortCode(typed)).toBe('7F3K-09QX-ZT4M-P2HA')
  expect(shortCode('iLoo-0000-0000-0000')).toBe('1100-0000-0000-0000')
  for (const bad of ['', '7F3K', '7F3K-09QX-ZT4M-P2HU', '7F3K-09QX-ZT4M-P2HA0', 'dataset:ds_1']) expect(shortCode(bad)).toBe('')
})

test('a QR gives its code and the service that it is of, and nothing else', () => {
  expect(codeOf('https://data.example/v/7F3K-09QX-ZT4M-P2HA')).toEqual({ code: '7F3K-09QX-ZT4M-P2HA', host: 'data.example' })
  expect(codeOf('7f3k09qxzt4mp2ha')).toEqual({ code: '7F3K-09QX-ZT4M-P2HA', host: '' })
  for (const bad of ['', 'https://data.example/', 'https://data.example/v/x', 'javascript:alert(1)/v/7F3K-09QX-ZT4M-P2HA', 'https://data.example/v/%E0%A4%A']) expect(codeOf(bad)).toBeNull()
})

test('the picture of a code is read again', () => {
  const address = verifyAddress('https://data.putuo.example', '7F3K-09QX-ZT4M-P2HA')
  const modules = encodeQR(address, 'raw', { ecc: 'medium', border: 4 })
  const scale = 4
  const side = modules.length * scale
  const data = new Uint8ClampedArray(side * side * 4).fill(255)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (modules[Math.floor(y / scale)]?.[Math.floor(x / scale)]) data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3)
    }
  }
  expect(decodeQR({ width: side, height: side, data })).toBe(address)
  expect(squares([[true, false], [false, true]])).toBe('M0 0h1v1h-1zM1 1h1v1h-1z')
})

test('a form is told by its first bytes', () => {
  const bytes = (s: string) => new TextEncoder().encode(s)
  expect(formOf(bytes('c2sp.org/tlog-proof@v1\nextra x\n'))).toBe('receipt')
  const cbor = (domain: string) => Uint8Array.from([0xa6, 0x01, 0x60 + domain.length, ...bytes(domain), 0x02])
  expect(formOf(cbor('plinth-batch/v1'))).toBe('batch')
  expect(formOf(cbor('plinth-case-file/v1'))).toBe('case')
  expect(formOf(cbor('plinth-device/v1'))).toBe('device')
  expect(formOf(cbor('plinth-device/v2'))).toBe('unknown')
  expect(formOf(Uint8Array.from([0xd2, 0x84]))).toBe('cose')
  for (const other of ['', 'c2sp.org/tlog-proof@v2', 'hello']) expect(formOf(bytes(other))).toBe('unknown')
})

test('progress is a part of 100 only where the whole is known', () => {
  expect(portion({ done: '3', total: '12' })).toBe(25)
  expect(portion({ done: '13', total: '12' })).toBe(100)
  expect(portion({ done: '3', total: '0' })).toBeUndefined()
  expect(counted({ done: '1200', total: '0' })).toBe('1,200')
  expect(counted({ done: '1200', total: '5000' })).toBe('1,200 / 5,000')
  expect(duration({ t }, 0.42)).toBe('0.4 s')
  expect(duration({ t }, 200)).toBe('3 min 20 s')
})

test('an audit counts as proven only by its word', () => {
  const good = readAudit({ word: 'record-and-data-proven', stages: [{ stage: 'tree', count: 5, seconds: 0.1 }], notChecked: [{ what: 'revocation' }] })
  expect(good).toEqual({ word: 'record-and-data-proven', proven: true, stages: [{ stage: 'tree', count: 5, seconds: 0.1 }], notChecked: [{ what: 'revocation', count: 0 }] })
  const bad = readAudit({ word: 'untrusted', fault: { stage: 'tree', object: 'authz entry 37', reason: 'x' } })
  expect(bad.proven).toBe(false)
  expect(bad.fault?.object).toBe('authz entry 37')
  expect(readAudit({}).proven).toBe(false)
})

test('what a receipt says is told in words and in the time of Shanghai', () => {
  const w = { word: (family: string, value: string) => wordOf('en', family, value) }
  expect(factsOf(w, { kind: 'grant.created', from: '2026-11-24T00:00:00Z', organisations: ['A', 'B'], txId: '' })).toEqual([
    ['Kind', 'Grant made (grant.created)'],
    ['From', '2026-11-24 08:00:00'],
    ['Endorsed by', 'A\nB'],
  ])
})

test('a provenance graph is read with the receipt of every edge', () => {
  const g = readProv(JSON.stringify({ entity: { a: { 'prov:label': '水质' } }, activity: { b: {} }, wasGeneratedBy: { '_:r1': { 'prov:entity': 'a', 'prov:activity': 'b', 'plinth:record': 'r', 'plinth:receipt': 'C' } } }))
  expect(g.nodes).toEqual([{ id: 'a', kind: 'entity', label: '水质' }, { id: 'b', kind: 'activity', label: 'b' }])
  expect(g.edges).toEqual([{ relation: 'wasGeneratedBy', from: 'a', to: 'b', record: 'r', code: 'C' }])
})
