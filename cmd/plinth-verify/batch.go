package main

import (
	"fmt"
	"strings"
	"time"

	"plinth/ledger"
)

func batchCommand() command {
	return command{
		name: "batch", args: "FILE", check: checkBatch,
		says: `      the records of one tile of a log   一个分片内多条记录的批量回执
`,
	}
}

func checkBatch(o *options) (result, error) {
	if err := o.loadPolicy(); err != nil {
		return result{}, err
	}
	file, err := readFile(o.args[0], ledger.MaxBatch)
	if err != nil {
		return result{}, err
	}
	v, err := ledger.VerifyBatch(file, o.policy)
	r := v.Report(err)
	return result{word: r.Word, json: r, sheet: batchSheet(r, ledger.Lang(o.lang)), file: file, certificates: r.Certificates}, nil
}

// batchSheet tells a batch's report.
func batchSheet(r ledger.BatchReport, l ledger.Lang) sheet {
	s := verdictSheet(r.Word, r.Fault, l)
	if p := r.Proof; p != nil {
		s.row(say(l, "日志", "log"), fmt.Sprintf("%s, %d–%d / %d", p.Origin, r.First, r.First+int64(r.Leaves)-1, p.Size))
		s.row(say(l, "记录数", "records"), fmt.Sprint(len(r.Records)))
		s.place(p, l)
	}
	s.times(r.Report, l)
	s.checks(r.Checked, r.NotChecked, l)
	var lines []string
	for _, b := range r.Records {
		lines = append(lines, strings.Join([]string{fmt.Sprint(b.Index), b.Record, b.Kind, b.By, b.To.Format(time.RFC3339)}, " "))
	}
	if len(lines) > 0 {
		s.list(say(l, "已证实的记录", "proven records"), "·", lines)
	}
	return s
}
