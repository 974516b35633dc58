package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"time"

	"plinth/ledger"
)

// reportForm is the page. It holds all it needs and fetches nothing.
//
//go:embed report.html
var reportForm string

// page is what the report shows.
type page struct {
	Lang, Title, Verdict string
	Good                 bool
	Facts                []row
	Lists                []itemList
	Certificates         []ledger.CertificateOut
	Rules                []row
	Labels               map[string]string
}

// writeReport writes the result as a page to print, for a court's file.
func writeReport(o options, r result) error {
	t, err := template.New("report").Parse(reportForm)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(o, r)); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	if err := os.WriteFile(o.report, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}

func newPage(o options, r result) page {
	l := ledger.Lang(o.lang)
	p := page{Lang: string(l), Title: say(l, "存证核验报告", "Report on the verification of evidence"), Verdict: r.sheet.headline,
		Good: r.word.ExitCode() == 0, Lists: r.sheet.lists, Certificates: r.certificates, Rules: rules(r.word, l)}
	p.Facts = append(p.Facts, row{say(l, "核验时间", "verified at"), o.now().Format(time.RFC3339)},
		row{say(l, "文件", "file"), filepath.Base(o.args[0])})
	if r.file != nil {
		sum := sha256.Sum256(r.file)
		p.Facts = append(p.Facts, row{say(l, "文件 SHA-256", "file's SHA-256"), hex.EncodeToString(sum[:])})
	}
	p.Facts = append(p.Facts, r.sheet.rows...)
	p.Labels = map[string]string{
		"certificates": say(l, "背书节点的证书", "Certificates of the signing peers"),
		"valid":        say(l, "有效期", "valid"), "issuer": say(l, "签发者", "issuer"), "serial": say(l, "序列号", "serial number"),
		"rules": say(l, "与《人民法院在线诉讼规则》第十六条至第十八条的对应", "Beside articles 16 to 18 of the Online Litigation Rules of the People's Courts"),
		"advice": say(l, "本报告只陈述技术核验的结果与范围，不是法律意见；证据的采信由人民法院判断。",
			"This report states what was verified and what was not. It is no legal advice; what evidence is worth is for the court to say."),
		"again": say(l, "任何人可用 plinth-verify、该文件和各组织公布的根证书离线重做本次核验。",
			"Anyone can repeat this verification offline with plinth-verify, the file, and the root certificates that the organisations publish."),
	}
	return p
}

// rules tells, article by article, what the verdict supports.
func rules(w ledger.Word, l ledger.Lang) []row {
	return []row{
		{say(l, "第十六条（技术核验一致）", "Article 16 (technical verification)"), article16(w, l)},
		{say(l, "第十七条（上链后真实性的异议）", "Article 17 (doubts about what is on the chain)"), say(l,
			"本报告可作为加密方式与信息验证的技术事实：各组织节点签名、链上检查点与默克尔路径，核验不依赖存证平台。平台资质、利害关系、系统的清洁性与安全性等因素，本报告未核验。",
			"The report gives technical facts about cryptography and verification: the organisations' signatures, the checkpoint on the chain, the Merkle path, all checked without the platform. Whether the platform is qualified, neutral, and run as standards demand was not checked.")},
		{say(l, "第十八条（上链前真实性）", "Article 18 (truth before the chain)"), say(l,
			"本报告不证明内容在上链之前属实。来源、生成与存储过程须另行举证；有可信时间戳时，只证明该存证不晚于该时间形成。",
			"The report does not prove that the content was true before. Its source and making need evidence of their own; a time-stamp proves no more than that the evidence existed by then.")},
	}
}

func article16(w ledger.Word, l ledger.Lang) string {
	switch w {
	case ledger.ProvenWithData:
		return say(l, "核验一致：所提交的内容与链上存证一致，上链后未经改动。", "Consistent: the content submitted is the one recorded, and unaltered since.")
	case ledger.Proven:
		return say(l, "存证记录核验一致，上链后未经改动；本次未核验全部原始内容是否与之对应。",
			"The record is consistent and unaltered since; that all of the original content belongs to it was not verified.")
	}
	return say(l, "核验未通过，本报告不支持“核验一致”的结论。", "The verification did not succeed; the report does not support consistency.")
}
