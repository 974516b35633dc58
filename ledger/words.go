package ledger

// Lang is a language that verdicts are told in.
type Lang string

// The languages.
const (
	Chinese Lang = "zh"
	English Lang = "en"
)

// phrase is one thing said in both languages.
type phrase struct{ zh, en string }

func (p phrase) in(l Lang) string {
	if l == English {
		return p.en
	}
	return p.zh
}

var wordPhrases = map[Word]phrase{
	Proven:         {"记录已证实", "the record is proven"},
	ProvenWithData: {"记录及其内容已证实", "the record and its content are proven"},
	Untrusted:      {"不可信：有一项证明不成立", "not to be trusted: a proof does not hold"},
	PolicyFailed:   {"不符合核验要求", "the proofs are not for what the policy asks"},
	CannotEvaluate: {"无法核验", "cannot be evaluated"},
	UsageError:     {"用法错误", "called wrongly"},
}

var checkPhrases = map[Check]phrase{
	CheckForm:          {"回执格式唯一且完整", "the receipt is complete and in its one form"},
	CheckEntry:         {"存证条目格式", "the entry is in its one form"},
	CheckChains:        {"节点证书链至各组织根证书", "the peers' certificates chain to the organisations' roots"},
	CheckEndorsements:  {"各组织背书签名", "the organisations' signatures"},
	CheckOrganisations: {"要求的组织均已背书", "every required organisation has signed"},
	CheckChaincode:     {"链码名称", "the chaincode's name"},
	CheckValue:         {"背书内容：通道、日志、大小、树根", "what is attested: channel, log, size, root"},
	CheckReadSet:       {"读集：只读了该检查点", "the read set: this checkpoint and nothing else"},
	CheckCheckpoint:    {"检查点与背书内容一致", "the checkpoint is the one attested"},
	CheckLogSignature:  {"日志对检查点的签名", "the log's signature on the checkpoint"},
	CheckInclusion:     {"条目在检查点的默克尔树中", "the entry is in the checkpoint's Merkle tree"},
	CheckPayload:       {"内容与条目的承诺一致", "the payload is the one that the entry commits to"},
	CheckFields:        {"已公开的字段与条目的承诺一致", "the opened fields are among those that the entry commits to"},
	CheckTwin:          {"孪生日志（国密 SM3）在同一位置也有该条目", "the log's twin (SM3) holds the entry at the same place"},
	CheckTwinSignature: {"孪生日志的签名（国密 SM2）", "the twin's signature (SM2)"},
	CheckLogTree:       {"SHA-256 树与 Ed25519 签名（仅按孪生日志核验）", "the SHA-256 tree and its Ed25519 signature: judged by the twin alone"},
	CheckSigningTime:   {"签署时间（可信时间戳）", "the time of signing, by a time-stamp token"},
	NotRevocation:      {"节点证书是否已被吊销", "whether a peer's certificate was revoked"},
	NotChaincodeCode:   {"链码程序本身", "the code of the chaincode"},
	NotCompleteness:    {"前后是否有遗漏的记录", "whether records before or after are missing"},
	NotLaterStatus:     {"是否已被后来的记录取代", "whether a later record supersedes this one"},
	NotTruth:           {"所记内容是否属实", "whether what was recorded is true"},
	CheckDeviceLog:     {"检查点属于设备日志", "the checkpoint is one of a log of devices"},
	CheckSegmentChain:  {"该设备的条目编号连续、前后相接", "the device's entries follow one another without a gap"},
	CheckSegmentsInLog: {"全部条目均在检查点的默克尔树中", "all the entries are in the checkpoint's Merkle tree"},
	CheckSegments:      {"各分段内容与条目的承诺一致，且属于该设备", "the segments are those committed to, and the device's"},
	CheckSuperseding:   {"同一时间窗的后一分段取代前一分段", "of one window, each later segment supersedes the one before"},
	CheckNewestEnd:     {"至检查点为止，该设备没有更新的条目", "up to the checkpoint the device has no newer entry"},
	CheckReadings:      {"读数位于其分段之中", "the readings lie in their segments"},
	NotAfterCheckpoint: {"检查点之后又记录了什么", "what was recorded after the checkpoint"},
	NotEarlierSegments: {"文件首个条目之前的分段", "segments before the first entry in the file"},
	NotNewestEnd:       {"检查点以内是否还有更新的分段（文件未含日志末段）", "whether newer segments are under the checkpoint (the file does not hold the log's end)"},
	NotOtherTag:        {"该设备的读数是否另以其他主体标签入账", "whether readings of the device are logged under another subject's tag"},
	CheckCaseAttested:  {"各组织证明了案卷的步数、状态与摘要", "the organisations attest the case's count, state and digest"},
	CheckStepOrder:     {"各步骤先后次序符合规则", "the steps follow one another as the order allows"},
	CheckStepsComplete: {"步骤齐全，正是各组织所证明的那些", "the steps are exactly those attested: none left out, none put in"},
	CheckStepsInLog:    {"全部步骤均在检查点的默克尔树中", "all the steps are in the checkpoint's Merkle tree"},
	NotAfterBlock:      {"所述区块之后案卷又有何进展", "what happened in the case after the block that is named"},
	NotUnrecorded:      {"实际发生的行为是否都已作为本案步骤记录", "whether everything that was done was recorded as a step of this case"},
	NotWithheld:        {"无载荷（已抹除或未出示）的分段所含读数", "what the segments without payload hold: it was erased or is withheld"},
	NotSilence:         {"无分段的时段为何没有读数", "why there are no readings in the windows without a segment"},
}

var partPhrases = map[Part]phrase{
	PartFile:        {"回执文件", "file"},
	PartEntry:       {"存证条目", "entry"},
	PartChain:       {"证书链", "certificate chain"},
	PartEndorsement: {"组织背书", "attestation"},
	PartPolicy:      {"核验要求", "policy"},
	PartAnswer:      {"背书应答", "attested answer"},
	PartChaincode:   {"链码", "chaincode"},
	PartValue:       {"背书内容", "attested value"},
	PartReadSet:     {"读集", "read set"},
	PartCheckpoint:  {"检查点", "checkpoint"},
	PartSignature:   {"检查点签名", "checkpoint signature"},
	PartInclusion:   {"条目或路径", "entry or path"},
	PartPayload:     {"内容", "payload"},
	PartSegment:     {"设备分段", "segment"},
	PartProof:       {"分段或证明", "segments or proof"},
	PartDevice:      {"设备", "device"},
	PartReading:     {"读数", "reading"},
	PartCase:        {"案卷", "case"},
	PartStep:        {"步骤", "step"},
	PartFields:      {"已公开的字段", "opened fields"},
	PartTimestamp:   {"时间戳", "time-stamp"},
	PartTwin:        {"孪生日志", "twin"},
}

// Say returns the verdict in words.
func (w Word) Say(l Lang) string { return wordPhrases[w].in(l) }

// Say returns the check in words.
func (c Check) Say(l Lang) string { return checkPhrases[c].in(l) }

// Say returns the part in words.
func (p Part) Say(l Lang) string { return partPhrases[p].in(l) }
