package audit

import "plinth/ledger"

// phrase is one thing said in both languages.
type phrase struct{ zh, en string }

func (p phrase) in(l ledger.Lang) string {
	if l == ledger.English {
		return p.en
	}
	return p.zh
}

var stagePhrases = map[Stage]phrase{
	StageFolder:      {"导出文件夹完整、格式唯一，根证书一致", "the folder is complete, in its one form, its roots are those trusted"},
	StageChain:       {"区块：哈希链、排序签名、背书、状态重放", "blocks: hash chain, orderers' signatures, endorsements, replay of the state"},
	StageCheckpoints: {"检查点：日志签名、链上记录、各组织背书", "checkpoints: the log's signature, the chain, the organisations' attestation"},
	StageTree:        {"默克尔树：条目→叶→每个上链大小的树根", "trees: entries, leaves, the root of every size on the chain"},
	StageData:        {"原始数据：行→内容→承诺→条目；各主体编号连续", "data of record: rows, payloads, commitments, entries; every subject without a gap"},
	StageCases:       {"案卷：链上步骤与日志记录一致、顺序允许", "cases: the steps on the chain are the log's records, in an allowed order"},
	StageReceipts:    {"回执样本", "the receipts in the folder"},
}

// Say returns what a stage checks, in words.
func (s Stage) Say(l ledger.Lang) string { return stagePhrases[s].in(l) }

var skippedPhrases = map[ledger.Check]phrase{
	NotOrdererRoots:  {"排序组织根证书取自创世区块，未另行提供", "the orderers' roots were taken from the first block, none was given"},
	NotConfigUpdates: {"通道配置变更是否获准", "whether changes of the channel's configuration were allowed"},
	NotLifecycle:     {"链码定义是否满足生命周期策略", "whether definitions of chaincode satisfy the lifecycle policy"},
	NotRangeQueries:  {"交易中的范围查询", "range queries of transactions"},
	NotKeyPolicies:   {"单个键的背书策略", "endorsement policies of single keys"},
	NotUnanchored:    {"尚未上链的最新条目（仅有日志签名）", "the newest entries, not on the chain yet: the log's word alone"},
	NotData:          {"原始数据不在文件夹中", "the data of record, which are not in the folder"},
	NotErased:        {"已销毁密钥的内容", "payloads whose key was destroyed"},
	NotLateRows:      {"已被后续数据段取代的数据段的行", "rows of segments that a later segment covers again"},
	NotPendingRows:   {"行已变更、后续数据段尚未导出的数据段", "segments whose rows changed, while the later segment is not exported yet"},
	NotRows:          {"设备读数行不在文件夹中", "the rows of readings, which are not in the folder"},
	NotTwin:          {"国密（SM3）孪生树", "the twin trees under SM3"},
	NotNewer:         {"导出之后是否还有更新的记录", "whether something newer exists than what was exported"},
	NotTags:          {"主体标签对应的主体名称", "which subject a tag stands for"},
	NotStatus:        {"链上状态与删除记录所指的记录", "whether statuses and redactions on the chain are of records here"},
	NotLogKeys:       {"日志公钥取自链上，未另行提供", "the logs' keys are the chain's word, none was given"},
	NotAfterFault:    {"首个问题之后的全部内容", "everything after the first bad object"},
}

// Say returns what was not checked, in words.
func (s Skipped) Say(l ledger.Lang) string {
	if p, ok := skippedPhrases[s.What]; ok {
		return p.in(l)
	}
	return s.What.Say(l)
}
