import { expect, test } from 'vitest'
import { chineseReason } from './reasons'

test.each([
  ['the device "wq-9" is not registered', '设备 "wq-9" 未登记'],
  ['the device has no such metric', '设备没有这个指标'],
  ['a comma or } is expected at byte 12', '第 12 字节处应为逗号或 }'],
  ['ph is measured in pH, and "mg/L" is no scale of it', 'ph 的单位是 pH，"mg/L" 无法换算'],
  ['the rule ph 3..11 is broken: 12.5 is above 11', '不符合规则 ph 3..11：12.5 高于上限 11'],
  ['this lies outside [1 2], where the plane v3 may be used; x is the easting, y the northing', '超出平面坐标 v3 的适用范围 [1 2]；x 为东坐标，y 为北坐标'],
  ['two\nlines, that nobody has words for', 'two\nlines, that nobody has words for'],
])('%s', (said, zh) => {
  expect(chineseReason(said)).toBe(zh)
})
