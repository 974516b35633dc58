package codec

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// record is one SenML record (RFC 8428 §4), with its base fields.
type record struct {
	bn, n, bu, u      string
	bt, t, bv, bs     float64
	v, s              *float64
	vb                *bool
	text              bool // it has a vs or vd
	hasBn, hasBt      bool
	hasBu, hasU       bool
	hasBv, hasBs      bool
	version, deferred float64
}

// senml resolves records: base values hold for all records after them (§4.1).
type senml struct {
	arrival    time.Time
	name, unit string
	time       float64
	value, sum float64
	base       int // values that were there before the payload's
}

// senMLVersion is the newest version there is (§4.4).
const senMLVersion = 10

// decodeSenML reads a pack. It is CBOR when its first byte is a CBOR array's, which no JSON text begins with.
func decodeSenML(payload []byte, arrival time.Time, into []Value) ([]Value, *Broken) {
	r := &senml{arrival: arrival, base: len(into)}
	if len(payload) > 0 && payload[0]&0xE0 == 0x80 {
		return r.cbor(payload, into)
	}
	return r.json(payload, into)
}

func (r *senml) json(payload []byte, into []Value) ([]Value, *Broken) {
	if !utf8.Valid(payload) {
		return into, &Broken{"payload", "the message is not UTF-8"}
	}
	p, out := parser{s: string(payload)}, into
	bad := p.array("payload", func(n int) *Broken {
		rec, bad := p.record()
		if bad == nil {
			out, bad = r.add(rec, out)
		}
		return within(bad, n)
	})
	switch {
	case bad != nil:
		return into, bad
	case p.space() < len(p.s):
		return into, p.expected("payload", "nothing after the pack")
	}
	return r.filled(into, out)
}

func (r *senml) filled(into, out []Value) ([]Value, *Broken) {
	if len(out) == len(into) {
		return into, &Broken{"payload", "there are no values"}
	}
	return out, nil
}

// within names the record at fault.
func within(bad *Broken, n int) *Broken {
	if bad == nil {
		return nil
	}
	return &Broken{fmt.Sprintf("[%d].%s", n, bad.Field), bad.Reason}
}

// record reads one record in JSON. A field that ends in _ must be understood, any other may be unknown (§4.4).
func (p *parser) record() (record, *Broken) {
	var rec record
	seen := map[string]bool{}
	bad := p.object("record", func(key string) *Broken {
		if seen[key] {
			return &Broken{clip(key), "the key is there twice"}
		}
		seen[key] = true
		if len(seen) > maxMetrics {
			return &Broken{"record", fmt.Sprintf("a record has at most %d fields", maxMetrics)}
		}
		return p.recordField(&rec, key)
	})
	return rec, bad
}

func (p *parser) recordField(rec *record, key string) (bad *Broken) {
	switch key {
	case "bn", "n", "bu", "u":
		var s string
		if s, bad = p.text(key); bad == nil {
			rec.setText(key, s)
		}
	case "bt", "t", "bv", "v", "bs", "s", "ut", "bver":
		var f float64
		if f, bad = p.float("", key); bad == nil {
			rec.setNumber(key, f)
		}
	case "vb":
		yes := p.literal("true")
		if !yes && !p.literal("false") {
			return p.expected(key, "true or false")
		}
		rec.vb = &yes
	case "vs", "vd":
		rec.text = true
		_, bad = p.text(key)
	default:
		if strings.HasSuffix(key, "_") {
			return &Broken{clip(key), "the field must be understood, and is not"}
		}
		bad = p.skip(clip(key), 0)
	}
	return bad
}

func (rec *record) setText(key, s string) {
	switch key {
	case "bn":
		rec.bn, rec.hasBn = s, true
	case "n":
		rec.n = s
	case "bu":
		rec.bu, rec.hasBu = s, true
	case "u":
		rec.u, rec.hasU = s, true
	}
}

func (rec *record) setNumber(key string, f float64) {
	switch key {
	case "bt":
		rec.bt, rec.hasBt = f, true
	case "t":
		rec.t = f
	case "bv":
		rec.bv, rec.hasBv = f, true
	case "v":
		rec.v = &f
	case "bs":
		rec.bs, rec.hasBs = f, true
	case "s":
		rec.s = &f
	case "ut":
		rec.deferred = f // when the next may be expected: the registry's interval says that
	case "bver":
		rec.version = f
	}
}

// add resolves one record and appends what it measures.
func (r *senml) add(rec record, into []Value) ([]Value, *Broken) {
	if rec.version > senMLVersion {
		return into, &Broken{"bver", fmt.Sprintf("the version is at most %d", senMLVersion)}
	}
	r.rebase(rec)
	if rec.v == nil && rec.vb == nil && rec.s == nil && !rec.text {
		return into, nil // it sets base values alone
	}
	if len(into)-r.base >= MaxValues {
		return into, tooMany("payload")
	}
	device, metric, bad := senMLName(r.name + rec.n)
	if bad != nil {
		return into, bad
	}
	at, bad := r.at(rec)
	if bad != nil {
		return into, bad
	}
	unit := r.unit
	if rec.hasU {
		unit = rec.u
	}
	v := Value{Device: device, Metric: metric, At: at, Unit: senMLUnit(unit)}
	return r.values(rec, v, into)
}

func (r *senml) rebase(rec record) {
	if rec.hasBn {
		r.name = rec.bn
	}
	if rec.hasBt {
		r.time = rec.bt
	}
	if rec.hasBu {
		r.unit = rec.bu
	}
	if rec.hasBv {
		r.value = rec.bv
	}
	if rec.hasBs {
		r.sum = rec.bs
	}
}

// values appends the record's value, and its sum: under the metric's name when it stands alone, else with _sum.
func (r *senml) values(rec record, v Value, into []Value) ([]Value, *Broken) {
	switch {
	case rec.v != nil:
		v.Value = *rec.v + r.value
	case rec.vb != nil:
		v.Unit = ""
		if *rec.vb {
			v.Value = 1
		}
	case rec.text:
		v.Refused = "a text or bytes are no measurement"
	}
	if math.IsInf(v.Value, 0) {
		return into, &Broken{"v", "the value with its base is not a finite number"}
	}
	alone := rec.v == nil && rec.vb == nil && !rec.text
	if !alone {
		into = append(into, v)
	}
	if rec.s == nil {
		return into, nil
	}
	sum := Value{Device: v.Device, Metric: v.Metric, At: v.At, Value: *rec.s + r.sum}
	if !alone {
		sum.Metric += "_sum"
	}
	if math.IsInf(sum.Value, 0) {
		return into, &Broken{"s", "the sum with its base is not a finite number"}
	}
	return append(into, sum), nil
}

// relative is where absolute times begin: what is less is counted from now (§4.5.3).
const relative = 1 << 28

// farthest keeps a time within what milliseconds in 64 bits can say.
const farthest = 1e12

func (r *senml) at(rec record) (time.Time, *Broken) {
	s := r.time + rec.t
	switch {
	case math.Abs(s) > farthest:
		return time.Time{}, &Broken{"t", fmt.Sprintf("the time %g is not one", s)}
	case s < relative:
		return moment(r.arrival.Add(time.Duration(math.Round(max(s, -relative)*1000)) * time.Millisecond)), nil
	}
	return time.UnixMilli(int64(math.Round(s * 1000))).UTC(), nil
}

// senMLName divides a full name (§4.5.1) at its last / or : into device and metric. A URN names a device in another
// register than ours and says nothing here.
func senMLName(name string) (device, metric string, bad *Broken) {
	if len(name) > 256 || !validName(name) {
		return "", "", &Broken{"n", fmt.Sprintf("the name %q is not 1 to 256 of letters, digits and - : . / _", clip(name))}
	}
	if i := strings.LastIndexAny(name, "/:"); i >= 0 {
		device, name = strings.TrimRight(name[:i], "/:"), name[i+1:]
	}
	if strings.HasPrefix(device, "urn:") {
		device = ""
	}
	if name == "" {
		return "", "", &Broken{"n", "the name ends before the metric"}
	}
	return device, name, nil
}

func validName(name string) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("-:./_", c)) {
			return false
		}
	}
	return name != ""
}
