// What the service says of a reading or a row that it cannot use, in Chinese. It says it in English, which dead letters keep
// as it was said; {} stands for what it quotes.
const reasons: [string, string][] = [
  // who and where
  ['the device {} is not registered', '设备 {} 未登记'],
  ['the device is a {}, not a {}', '该设备的种类是 {}，不是 {}'],
  ['the device is planned and not yet in use', '设备处于规划中，尚未启用'],
  ['the device is retired', '设备已退役'],
  ['the topic is not plinth/v1/<kind>/<device>/data', '主题不是 plinth/v1/<种类>/<设备>/data'],
  ['a topic has at most {} bytes', '主题最多 {} 字节'],
  ['it says that it is {}', '内容自称是 {}'],
  ['the row names no device', '这一行没有写明设备'],
  ['too many messages that cannot be used', '无法使用的消息过多'],
  ['a message has at most {} bytes, this has {}', '消息最多 {} 字节，这条有 {} 字节'],
  // values, units and times
  ['a value alone is for a device with one metric', '只写一个数值仅适用于只有一个指标的设备'],
  ['the device has no such metric', '设备没有这个指标'],
  ['the device has no metric {}', '设备没有指标 {}'],
  ['{} is measured in {}, and {} is no scale of it', '{} 的单位是 {}，{} 无法换算'],
  ['{} is measured in {} and must be in {}', '{} 的单位是 {}，应为 {}'],
  ['the value is not a finite number', '数值不是有限的数'],
  ['the value with its base is not a finite number', '数值加上基准值后不是有限的数'],
  ['the sum with its base is not a finite number', '累计值加上基准值后不是有限的数'],
  ['the value is null', '数值为空（null）'],
  ['a text or bytes are no measurement', '文本或字节不是测量值'],
  ['a text, bytes or a table are no measurement', '文本、字节或表格不是测量值'],
  ['the metric has no name of letters, digits and - : . / _; an alias alone is not enough', '指标名应由字母、数字和 - : . / _ 组成；只有别名不够'],
  ['the time {} lies outside 1970 to 2260', '时间 {} 不在 1970 至 2260 年之间'],
  ['{} is not a time in RFC 3339', '{} 不是 RFC 3339 格式的时间'],
  ['the time is missing', '缺少时间'],
  ['it is not a time', '不是时间'],
  ['the time {} is not one', '{} 不是时间'],
  ['the sequence is a whole number from 0 to 18446744073709551615', '序号应为 0 至 18446744073709551615 的整数'],
  // how a message is written
  ['the message is not UTF-8', '消息不是 UTF-8 编码'],
  ['there are no values', '没有数值'],
  ['something follows the message at byte {}', '消息在第 {} 字节后还有多余内容'],
  ['there is no such field', '没有这个字段'],
  ['the key is there twice', '键重复'],
  ['a message has at most {} values', '消息最多 {} 个值'],
  ['a payload has at most {} values', '一次最多 {} 个值'],
  ['a record has at most {} fields', '一条记录最多 {} 个字段'],
  ['a string has an unknown escape', '字符串含未知转义'],
  ['it is nested deeper than {}', '嵌套超过 {} 层'],
  ['there is no codec {}', '没有编码 {}'],
  ['at, seq and the values are all arrays, or none is', 'at、seq 和各数值须同为数组，或都不是'],
  ['there are {} numbers and {} times', '有 {} 个序号、{} 个时间'],
  ['there are {} values and {} times', '有 {} 个数值、{} 个时间'],
  ['it is not CBOR as it must be: {}', '不是合规的 CBOR：{}'],
  ['a map is expected', '应为映射（map）'],
  ['a map of 1 to {} values is expected', '应为含 1 至 {} 个值的映射'],
  ['it is not a text', '不是文本'],
  ['a text is expected', '应为文本'],
  ['true or false is expected', '应为 true 或 false'],
  ['it is no protobuf message', '不是 protobuf 消息'],
  ['the field must be understood, and is not', '必须理解的字段，但不认识'],
  ['the version is at most {}', '版本最高为 {}'],
  ['the name {} is not 1 to 256 of letters, digits and - : . / _', '名称 {} 应为 1 至 256 个字母、数字或 - : . / _'],
  ['the name ends before the metric', '名称中没有指标部分'],
  ['a JSON object is expected at byte {}', '第 {} 字节处应为 JSON 对象'],
  ['an array is expected at byte {}', '第 {} 字节处应为数组'],
  ['a string is expected at byte {}', '第 {} 字节处应为字符串'],
  ['a string without control characters is expected at byte {}', '第 {} 字节处的字符串不应含控制字符'],
  ['the end of a string is expected at byte {}', '第 {} 字节处字符串应结束'],
  ['a colon is expected at byte {}', '第 {} 字节处应为冒号'],
  ['a comma or } is expected at byte {}', '第 {} 字节处应为逗号或 }'],
  ['a comma or ] is expected at byte {}', '第 {} 字节处应为逗号或 ]'],
  ['a value is expected at byte {}', '第 {} 字节处应为一个值'],
  ['true or false is expected at byte {}', '第 {} 字节处应为 true 或 false'],
  ['nothing after the pack is expected at byte {}', '第 {} 字节处数据包应已结束'],
  ['{} is expected at byte {}', '第 {1} 字节处应为 {0}'],
  // rows of files and endpoints
  ['the row has {} fields, the header {}', '这一行有 {} 个字段，表头有 {} 个'],
  ['the row has {} cells, the header {}', '这一行有 {} 个单元格，表头有 {} 个'],
  ['has {} fields, the header has {}', '有 {} 个字段，表头有 {} 个'],
  ['a line has at most {} bytes', '一行最多 {} 字节'],
  ['the line is not UTF-8', '这一行不是 UTF-8 编码'],
  ['the line is not one JSON object', '这一行不是一个 JSON 对象'],
  ['the key {} is none of {}', '键 {} 不属于 {}'],
  ['the record is not UTF-8', '记录不是 UTF-8 编码'],
  ['the record is not a JSON object', '记录不是 JSON 对象'],
  ['the value is not UTF-8', '值不是 UTF-8 编码'],
  ['the value is missing', '缺少值'],
  ['the value has a NUL', '值中含 NUL 字符'],
  ['the value {} does not match {}', '值 {} 不符合格式 {}'],
  ['the value {} is none of {}', '值 {} 不属于 {}'],
  ['the value {} is not a finite number', '值 {} 不是有限的数'],
  ['the time {} has none of the forms {}', '时间 {} 不符合任何一种格式 {}'],
  ['the sequence {} is not a whole number', '序号 {} 不是整数'],
  // declared rules
  ['it is empty', '为空'],
  ['{} is not in the code list', '{} 不在代码表中'],
  ['{} does not match {}', '{} 不符合 {}'],
  ['{} is below {}', '{} 低于下限 {}'],
  ['{} is above {}', '{} 高于上限 {}'],
  ['{} is no number', '{} 不是数'],
  // devices of an import
  ['the device is there twice', '设备重复'],
  ['the device is in the file twice', '文件中该设备重复'],
  ['the device is registered with another {}; change it there, or leave it out here', '该设备登记的“{}”与此不同；请在登记处修改，或在文件中去掉'],
  ["a device's id is 1 to 64 of a-z, 0-9, - and _, and begins with a letter or digit", '设备编号为 1 至 64 个 a-z、0-9、- 或 _，以字母或数字开头'],
  ['a kind is 1 to 32 of a-z, 0-9 and _, and begins with a letter', '种类为 1 至 32 个 a-z、0-9 或 _，以字母开头'],
  ['a device has an owner, the id of a department or street: 1 to 30 letters without blanks', '设备须有主管部门或街镇的编号：1 至 30 个字符，不含空格'],
  ['the longitude is in degrees, -180 to 180', '经度以度为单位，-180 至 180'],
  ['the latitude is in degrees, -90 to 90', '纬度以度为单位，-90 至 90'],
  ['the interval is 1 s to 31 days, is {}', '上报间隔为 1 秒至 31 天，现为 {}'],
  ['a device has 1 to {} metrics, here are {}', '设备有 1 至 {} 个指标，这里有 {} 个'],
  ['a device is one of {}', '生命周期应为 {} 之一'],
  ['the codec is one of {}', '编码应为 {} 之一'],
  ['a group of twins is named by 1 to 64 of a-z, 0-9, - and _', '同址组名为 1 至 64 个 a-z、0-9、- 或 _'],
  ['the calibration is due after it was done', '校准到期日应晚于校准日'],
  ['the date lies in 1970 to 2260', '日期应在 1970 至 2260 年之间'],
  ['a device has at most {} attributes, here are {}', '设备最多 {} 个属性，这里有 {} 个'],
  ["an attribute's name is 1 to 32 of a-z, 0-9 and _, and begins with a letter; {} is not", '属性名为 1 至 32 个 a-z、0-9 或 _，以字母开头；{} 不是'],
  ['this text is UTF-8 of at most {} characters', '文本应为 UTF-8，最多 {} 个字符'],
  ["a metric's name is 1 to 32 of a-z, 0-9 and _, and begins with a letter", '指标名为 1 至 32 个 a-z、0-9 或 _，以字母开头'],
  ['the metric {} is there twice', '指标 {} 重复'],
  ['a metric has a unit in UCUM, e.g. Cel, m/s, 1', '指标须有 UCUM 单位，如 Cel、m/s、1'],
  ['the limits are finite numbers, min below max', '上下限为有限的数，且下限小于上限'],
  ['the rate is a number above zero', '变化率应大于零'],
  ["this is a number in the metric's unit, above zero, or zero when there is none", '应为以指标单位计的正数，没有则为零'],
  ['a run has 2 to {} readings, or 0 to look at none', '连续读数为 2 至 {} 个，0 表示不检查'],
  ['a GB/T 28181 code has 20 digits, {} has not', 'GB/T 28181 编码为 20 位数字，{} 不是'],
  ['digits 1 to 8 are the division: no province has the number {} (GB/T 2260)', '第 1 至 8 位为行政区划：没有编号为 {} 的省级区划（GB/T 2260）'],
  ['digits 1 to 8 are the division: {} names no city and district', '第 1 至 8 位为行政区划：{} 没有写明市和区'],
  ['digits 11 to 13 are the type: {} is none', '第 11 至 13 位为类型：没有类型 {}'],
  ["digits 11 to 13 are the type: a camera's is one of {}, not {}", '第 11 至 13 位为类型：摄像机应为 {} 之一，不是 {}'],
  ['digits 15 to 20 are the serial number, which begins with 1', '第 15 至 20 位为序号，从 1 开始'],
  ['a coordinate is a finite number', '坐标应为有限的数'],
  ['the coordinate system is one of {}', '坐标系应为 {} 之一'],
  ['{} is in degrees: x the longitude, -180 to 180, y the latitude, -90 to 90', '{} 以度为单位：x 为经度（-180 至 180），y 为纬度（-90 至 90）'],
  ['{} is defined in China alone', '{} 仅在中国境内有定义'],
  ['want an easting within 300 km of 500,000 m (or 40,500,000 m with the zone) and a northing of 0 to 6,500 km', '东坐标应在 500,000 米（带号时 40,500,000 米）左右 300 公里内，北坐标为 0 至 6,500 公里'],
  ['this lies outside {}, where the plane {} may be used; x is the easting, y the northing', '超出平面坐标 {1} 的适用范围 {0}；x 为东坐标，y 为北坐标'],
  ['x and y are two numbers, or both empty', 'x 和 y 为两个数，或都为空'],
  ['want a JSON object of texts', '应为值是文本的 JSON 对象'],
  ['want a=b;c=d, each name once', '应为 a=b;c=d，每个名称一次'],
  ['want a JSON array of metrics, each with name and unit', '应为指标的 JSON 数组，每个含 name 和 unit'],
]

// A rule's reason stands within what is said of the rule.
const broken = /^the rule (.*) is broken: (.*)$/s

interface Form {
  form: RegExp
  zh: string
}

/** formOf makes of a reason with {} the expression that what was said matches. */
function formOf([en, zh]: [string, string]): Form {
  const parts = en.split('{}').map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return { form: new RegExp(`^${parts.join('(.*?)')}$`, 's'), zh }
}

const forms = reasons.map(formOf)

/** chineseReason is what the service said of a reading or a row, in Chinese; or as it said it, when there are no words for it. */
export function chineseReason(said: string): string {
  const rule = broken.exec(said)
  if (rule) return `不符合规则 ${rule[1]}：${chineseReason(rule[2] ?? '')}`
  for (const { form, zh } of forms) {
    const found = form.exec(said)
    if (!found) continue
    let n = 0
    return zh.replace(/\{(\d?)\}/g, (_, at: string) => found[1 + (at ? Number(at) : n++)] ?? '')
  }
  return said
}
