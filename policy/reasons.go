package policy

import (
	"fmt"
	"strings"
)

// The premises of a permission, in the order they are shown. The Rego policy decides which hold; this file says them
// in words.
var Premises = []string{"data.fresh", "grant.exists", "grant.active", "period.current", "purpose.match", "dataset.match",
	"department.match", "role.analyst", "columns.granted", "quota.left", "risk.contained", "risk.band", "query.admitted"}

// Explain says a premise in words, for the question and the grant that was judged.
func Explain(rule string, ok bool, q Question, g Grant) Text {
	if ok {
		return holds[rule]
	}
	switch rule {
	case "grant.exists":
		return Text{fmt.Sprintf("没有授权 %q", q.Grant), fmt.Sprintf("there is no grant %q", q.Grant)}
	case "grant.active":
		return notActive(g)
	case "period.current":
		from, to := g.NotBefore.In(Shanghai).Format("2006-01-02 15:04"), g.NotAfter.In(Shanghai).Format("2006-01-02 15:04")
		return Text{fmt.Sprintf("授权期限为 %s 至 %s", from, to), fmt.Sprintf("the grant runs from %s to %s", from, to)}
	case "purpose.match":
		return Text{fmt.Sprintf("授权用途为 %s，申报用途为 %s", g.Purpose, quoted(q.Purpose)),
			fmt.Sprintf("the grant is for %s, not for %s", g.Purpose, quoted(q.Purpose))}
	case "columns.granted":
		extra := strings.Join(missing(q.Columns, g.Columns), ", ")
		return Text{"未授权的列：" + extra, "columns outside the grant: " + extra}
	case "query.admitted":
		if q.Admission != nil {
			return q.Admission.Detail
		}
	}
	return fails[rule]
}

func notActive(g Grant) Text {
	zh := map[GrantState]string{Revoked: "授权已撤销", Blocked: "授权因范围校验未通过被阻断"}[g.State]
	en := map[GrantState]string{Revoked: "the grant is revoked", Blocked: "the grant is blocked: its scope failed its check"}[g.State]
	if zh == "" {
		zh, en = "授权未生效", "the grant is not active"
	}
	if g.Reason != "" && g.State == Revoked {
		zh, en = zh+"："+g.Reason, en+": "+g.Reason
	}
	return Text{zh, en}
}

func quoted(s string) string {
	if s == "" {
		return "(空 none)"
	}
	return fmt.Sprintf("%.60q", s)
}

func missing(asked, granted []string) []string {
	have := map[string]bool{}
	for _, c := range granted {
		have[c] = true
	}
	var out []string
	for _, c := range asked {
		if !have[c] {
			out = append(out, fmt.Sprintf("%.60q", c))
		}
	}
	return out
}

var holds = map[string]Text{
	"data.fresh":       {"策略数据是最新的", "the policy data is fresh"},
	"grant.exists":     {"授权存在", "the grant exists"},
	"grant.active":     {"授权有效", "the grant is active"},
	"period.current":   {"在授权期限内", "within the grant's period"},
	"purpose.match":    {"用途与授权一致", "the purpose is the grant's"},
	"dataset.match":    {"数据集与授权一致", "the dataset is the grant's"},
	"department.match": {"部门与授权一致", "the department is the grant's"},
	"role.analyst":     {"具有分析员角色", "the subject is an analyst"},
	"columns.granted":  {"只涉及已授权的列", "only granted columns are asked for"},
	"quota.left":       {"当日额度未用完", "the day's quota is not used up"},
	"risk.contained":   {"未被风险处置暂停", "no risk alert suspends the subject"},
	"risk.band":        {"风险等级允许此操作", "the subject's risk allows this action"},
	"query.admitted":   {"语句是范围内的单条查询", "the text is one SELECT within the scope"},
}

var fails = map[string]Text{
	"data.fresh":       {"策略数据已过时，无法判定", "the policy data is stale, nothing can be decided"},
	"dataset.match":    {"授权针对另一个数据集", "the grant is for another dataset"},
	"department.match": {"授权属于另一个部门", "the grant belongs to another department"},
	"role.analyst":     {"需要分析员角色", "this needs the role analyst"},
	"quota.left":       {"当日可读行数已用完", "the rows allowed per day are used up"},
	"risk.contained":   {"因风险预警，使用已被暂停", "use is suspended by a risk alert"},
	"risk.band":        {"风险等级过高，不允许此操作", "the subject's risk is too high for this action"},
	"query.admitted":   {"语句不被允许", "the text may not run"},
	"policy.error":     {"策略判定出错，一律拒绝", "the policy could not be evaluated, which is a denial"},
}

// Remedy says in both languages what would make a failed premise hold.
func Remedy(rule string, g Grant) string {
	t, ok := map[string]Text{
		"data.fresh":       {"稍后重试", "try again shortly"},
		"grant.exists":     {"为该数据集提出使用申请", "request the dataset and use the grant you are given"},
		"grant.active":     {"提出新的使用申请", "make a new request"},
		"period.current":   {"在授权期限内使用，或申请延期", "use it within the period, or request a new one"},
		"purpose.match":    {"将用途改为 " + g.Purpose, "declare the purpose " + g.Purpose},
		"dataset.match":    {"使用该数据集的授权", "use a grant of this dataset"},
		"department.match": {"使用本部门的授权", "use a grant of your own department"},
		"role.analyst":     {"由具有分析员角色的账号使用", "use an account with the role analyst"},
		"columns.granted":  {"只使用已授权的列", "ask for granted columns only"},
		"quota.left":       {"次日再试，或申请更高额度", "try again tomorrow, or ask for a larger quota"},
		"risk.contained":   {"由安全员处置预警后恢复", "a security officer resolves the alert"},
		"risk.band":        {"等待风险等级下降，或联系安全员", "wait until the risk falls, or see a security officer"},
		"query.admitted":   {"改写为只针对授权视图的单条 SELECT", "write one SELECT over the grant's view"},
	}[rule]
	if !ok {
		return rule
	}
	return t.ZH + " / " + t.EN
}
