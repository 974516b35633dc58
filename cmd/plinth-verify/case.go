package main

import (
	"fmt"
	"strings"
	"time"

	"plinth/ledger"
)

func caseCommand() command {
	return command{
		name: "case", args: "FILE", check: checkCase,
		says: `      a case's file: all its steps in their order, none left out   案卷步骤齐全且次序正确
`,
	}
}

func checkCase(o *options) (result, error) {
	if err := o.loadPolicy(); err != nil {
		return result{}, err
	}
	file, err := readFile(o.args[0], ledger.MaxCaseFile)
	if err != nil {
		return result{}, err
	}
	v, err := ledger.VerifyCase(file, o.policy)
	r := v.Report(err)
	return result{word: r.Word, json: r, sheet: caseSheet(r, ledger.Lang(o.lang))}, nil
}

// caseSheet tells a case's report.
func caseSheet(r ledger.CaseReport, l ledger.Lang) sheet {
	s := verdictSheet(r.Word, r.Fault, l)
	if c := r.Case; c != nil {
		s.row(say(l, "案卷", "case"), c.Case)
		s.row(say(l, "状态", "state"), fmt.Sprintf(say(l, "%s，共 %d 步，截至区块 %d", "%s after %d steps, as of block %d"), c.State, c.Count, c.AsOfBlock))
		s.row(say(l, "日志", "log"), fmt.Sprintf("%s, %d", c.Origin, c.Size))
		s.row(say(l, "链上", "on chain"), fmt.Sprintf("%s, %s, %d, %s", c.Channel, c.Chaincode, c.AsOfBlock, c.TxID))
		s.row(say(l, "背书组织", "signed by"), strings.Join(c.Organisation, ", "))
		s.list(say(l, "步骤", "steps"), "·", stepLines(c.Steps))
		if len(c.Refused) > 0 {
			s.list(say(l, "被链拒绝、不属于本案的条目", "tried, refused by the chain, and no steps of the case"), "·", stepLines(c.Refused))
		}
	}
	s.row(say(l, "证书有效性时点", "certificates judged at"), r.At.Format(time.RFC3339))
	s.checks(r.Checked, r.NotChecked, l)
	return s
}

func stepLines(steps []ledger.StepOut) (out []string) {
	for _, st := range steps {
		line := fmt.Sprintf("%s %s %s %s", st.At.Format(time.RFC3339), st.Kind, st.Org, st.Record)
		if st.Seq > 0 {
			line = fmt.Sprintf("%d. %s", st.Seq, line)
		}
		out = append(out, line)
	}
	return out
}
