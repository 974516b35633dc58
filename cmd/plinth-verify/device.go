package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"plinth/ledger"
)

func deviceCommand() command {
	return command{
		name: "device", args: "FILE", check: checkDevice,
		says: `      a device's segments over a period: none missing, and readings in theirs   设备分段完整性及单条读数
      --device ID        the device   设备编号
      --from TIME --to TIME  the period, RFC 3339   时段
`,
		flags: func(f *flag.FlagSet, o *options) {
			f.StringVar(&o.device.id, "device", "", "")
			f.StringVar(&o.device.from, "from", "", "")
			f.StringVar(&o.device.to, "to", "", "")
		},
	}
}

// deviceOptions are the question put to a device file.
type deviceOptions struct{ id, from, to string }

func (d deviceOptions) period() (from, to time.Time, err error) {
	if d.id == "" {
		return from, to, errors.New("give --device: the device that the file must be of")
	}
	if from, err = time.Parse(time.RFC3339, d.from); err != nil {
		return from, to, errors.New("--from is not a time as 2026-11-24T08:00:00Z")
	}
	if to, err = time.Parse(time.RFC3339, d.to); err != nil {
		return from, to, errors.New("--to is not a time as 2026-11-24T09:00:00Z")
	}
	if !from.Before(to) {
		return from, to, errors.New("--from must be before --to")
	}
	return from, to, nil
}

func checkDevice(o *options) (result, error) {
	from, to, err := o.device.period()
	if err != nil {
		return result{}, err
	}
	if err := o.loadPolicy(); err != nil {
		return result{}, err
	}
	file, err := readFile(o.args[0], ledger.MaxDeviceFile)
	if err != nil {
		return result{}, err
	}
	v, err := ledger.VerifyDevice(file, o.policy, o.device.id, from, to)
	r := v.Report(err)
	return result{word: r.Word, json: r, sheet: deviceSheet(r, ledger.Lang(o.lang))}, nil
}

// deviceSheet tells a device's report.
func deviceSheet(r ledger.DeviceReport, l ledger.Lang) sheet {
	s := verdictSheet(r.Word, r.Fault, l)
	if d := r.Device; d != nil {
		s.row(say(l, "设备", "device"), fmt.Sprintf("%s, %s", d.Device, stretch(d.From, d.To)))
		s.row(say(l, "条目", "entries"), fmt.Sprintf(say(l, "第 %d 至 %d 号，其间无缺", "numbers %d to %d, none missing between"), d.FirstSeq, d.LastSeq))
		s.row(say(l, "有效分段", "segments in force"), fmt.Sprintf(say(l, "%d 段，共 %d 条读数", "%d, of %d readings"), len(d.Windows), d.Readings))
		s.row(say(l, "日志", "log"), fmt.Sprintf("%s, %d", d.Origin, d.Size))
		s.row(say(l, "链上", "on chain"), fmt.Sprintf("%s, %s, %d, %s", d.Channel, d.Chaincode, d.Block, d.TxID))
		s.row(say(l, "背书组织", "signed by"), strings.Join(d.Organisation, ", "))
		deviceLists(&s, d, l)
	}
	s.row(say(l, "证书有效性时点", "certificates judged at"), r.At.Format(time.RFC3339))
	s.checks(r.Checked, r.NotChecked, l)
	return s
}

func deviceLists(s *sheet, d *ledger.DeviceProof, l ledger.Lang) {
	var gaps, readings []string
	for _, g := range d.Gaps {
		gaps = append(gaps, stretch(g.From, g.To))
	}
	if len(gaps) > 0 {
		s.list(say(l, "无分段的时段", "without a segment"), "·", gaps)
	}
	for _, r := range d.Proven {
		line := fmt.Sprintf("%s %s = %v, %s %d", r.At.Format(time.RFC3339Nano), r.Metric, r.Value, say(l, "分段", "segment"), r.Segment)
		if !r.Current {
			line += say(l, "（已被取代）", " (superseded)")
		}
		readings = append(readings, line)
	}
	if len(readings) > 0 {
		s.list(say(l, "已证实的读数", "proven readings"), "·", readings)
	}
}

func stretch(from, to time.Time) string {
	return from.Format(time.RFC3339) + " – " + to.Format(time.RFC3339)
}
