package codec_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"plinth/sensors/codec"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type value = codec.Value

func toCBOR(t testing.TB, v any) string {
	t.Helper()
	b, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// birth is a Sparkplug payload with one metric of each kind.
func birth() string {
	metric := func(name string, kind uint64, more func([]byte) []byte) []byte {
		m := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
		m = protowire.AppendVarint(protowire.AppendTag(m, 4, protowire.VarintType), kind)
		return more(m)
	}
	varint := func(n protowire.Number, v uint64) func([]byte) []byte {
		return func(b []byte) []byte {
			return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
		}
	}
	b := varint(1, uint64(noon.UnixMilli()))(nil)
	for _, m := range [][]byte{
		metric("Properties/level", 3, varint(10, uint64(uint32(math.MaxUint32-4)))), // Int32 -5
		metric("total", 8, varint(11, 1<<40)),
		metric("ph", 10, func(b []byte) []byte {
			return protowire.AppendFixed64(protowire.AppendTag(b, 13, protowire.Fixed64Type), math.Float64bits(7.1))
		}),
		metric("name", 12, func(b []byte) []byte {
			return protowire.AppendString(protowire.AppendTag(b, 15, protowire.BytesType), "pump")
		}),
	} {
		b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), m)
	}
	return string(varint(3, 9)(b))
}

func TestDecodeReadsWhatEachCodecSays(t *testing.T) {
	later := noon.Add(time.Minute)
	for name, tt := range map[string]struct {
		codec, payload string
		want           []value
	}{
		"single": {"", `{"device":"wq-1","at":"2026-11-24T20:00:00.0009+08:00","seq":3,"v":{"ph":7.1,"do":6}}`,
			[]value{{Device: "wq-1", Metric: "ph", At: noon, Seq: 3, Value: 7.1}, {Device: "wq-1", Metric: "do", At: noon, Seq: 3, Value: 6}}},
		"array": {"json", `[{"v":{"ph":7},"at":"2026-11-24T12:00:00Z"}, {"at":"2026-11-24T12:01:00Z","seq":1,"v":{"ph":8}}]`,
			[]value{{Metric: "ph", At: noon, Value: 7}, {Metric: "ph", At: later, Seq: 1, Value: 8}}},
		"columns": {"json", `{"v":{"ph":[7,8],"do":[null,6]},"at":["2026-11-24T12:00:00Z","2026-11-24T12:01:00Z"],"seq":[4,5]}`,
			[]value{{Metric: "ph", At: noon, Seq: 4, Value: 7}, {Metric: "ph", At: later, Seq: 5, Value: 8}, {Metric: "do", At: later, Seq: 5, Value: 6}}},
		"cbor": {"cbor", toCBOR(t, map[string]any{"at": noon.Unix(), "seq": 2, "v": map[string]any{"ph": float32(7.5), "do": 6}}),
			[]value{{Metric: "do", At: noon, Seq: 2, Value: 6}, {Metric: "ph", At: noon, Seq: 2, Value: 7.5}}},
		"cbor columns": {"cbor", toCBOR(t, map[string]any{"at": []any{"2026-11-24T12:00:00Z", cbor.Tag{Number: 1, Content: later.Unix()}},
			"v": map[string]any{"ph": []any{nil, 8}}}), []value{{Metric: "ph", At: later, Value: 8}}},
		"cbor array": {"cbor", toCBOR(t, []any{map[string]any{"at": float64(noon.Unix()) + 0.5, "v": map[string]any{"ph": -1}}}),
			[]value{{Metric: "ph", At: noon.Add(500 * time.Millisecond), Value: -1}}},
		"plain": {"plain", " -2.5e1\n", []value{{At: noon, Value: -25}}},
		// RFC 8428 §5.1.3, with its relative times, and the base values of §4.1.
		"senml": {"senml", `[{"bn":"urn:dev:ow:10e2073a01080063:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
			{"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3,"unknown":{"a":[1,{"b":null}]}}]`, []value{
			{Metric: "voltage", At: time.UnixMilli(1276020076001).UTC(), Value: 120.1, Unit: "V"},
			{Metric: "current", At: time.UnixMilli(1276020071001).UTC(), Value: 1.2, Unit: "A"},
			{Metric: "current", At: time.UnixMilli(1276020072001).UTC(), Value: 1.3, Unit: "A"}}},
		"senml base": {"senml", `[{"bn":"wq-1/","bv":20,"bs":100,"bt":-60},{"n":"t","u":"Cel","v":1.5,"t":60},{"n":"on","vb":true,"u":"x"},
			{"n":"flow","u":"l","v":1,"s":5},{"n":"total","s":7},{"n":"id","vs":"x"}]`, []value{
			{Device: "wq-1", Metric: "t", At: noon, Value: 21.5, Unit: "Cel"},
			{Device: "wq-1", Metric: "on", At: noon.Add(-time.Minute), Value: 1},
			{Device: "wq-1", Metric: "flow", At: noon.Add(-time.Minute), Value: 21, Unit: "L"},
			{Device: "wq-1", Metric: "flow_sum", At: noon.Add(-time.Minute), Value: 105},
			{Device: "wq-1", Metric: "total", At: noon.Add(-time.Minute), Value: 107},
			{Device: "wq-1", Metric: "id", At: noon.Add(-time.Minute), Refused: "a text or bytes are no measurement"}}},
		"senml cbor": {"senml", toCBOR(t, []map[any]any{{-2: "wq-1:", -3: noon.Unix(), 0: "ph", 1: "pH", 2: 7.25}, {0: "do", 6: 60, 2: 6, 99: "x"}}),
			[]value{{Device: "wq-1", Metric: "ph", At: noon, Value: 7.25, Unit: "[pH]"}, {Device: "wq-1", Metric: "do", At: later, Value: 6}}},
		"sparkplug": {"sparkplug", birth(), []value{{Metric: "level", At: noon, Seq: 9, Value: -5}, {Metric: "total", At: noon, Seq: 9, Value: 1 << 40},
			{Metric: "ph", At: noon, Seq: 9, Value: 7.1},
			{Metric: "name", At: noon, Seq: 9, Refused: "a text, bytes or a table are no measurement"}}},
	} {
		got, bad := codec.Decode(tt.codec, []byte(tt.payload), noon, nil)
		if d := cmp.Diff(tt.want, got); d != "" || bad != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, bad, d)
		}
	}
}

func TestDecodeNamesWhatIsBroken(t *testing.T) {
	deep := strings.Repeat("[", 10_000)
	many := `{"at":["2026-11-24T12:00:00Z"],"v":{"ph":[` + strings.Repeat("1,", codec.MaxValues) + `1]}}`
	for name, tt := range map[string]struct{ codec, payload, field string }{
		"no such codec":       {"xml", "<a/>", "codec"},
		"empty pack":          {"json", "[]", "payload"},
		"deep":                {"json", deep, "[0].payload"},
		"second of a pack":    {"json", `[{"at":"2026-11-24T12:00:00Z","v":{"ph":7}},{"at":"x","v":{}}]`, "[1].at"},
		"lengths differ":      {"json", `{"at":["2026-11-24T12:00:00Z"],"v":{"ph":[7,8]}}`, "v.ph"},
		"numbers differ":      {"json", `{"at":["2026-11-24T12:00:00Z"],"seq":[1,2],"v":{"ph":[7]}}`, "seq"},
		"mixed":               {"json", `{"at":"2026-11-24T12:00:00Z","v":{"ph":[7]}}`, "payload"},
		"mixed the other way": {"json", `{"at":["2026-11-24T12:00:00Z"],"seq":1,"v":{"ph":[7]}}`, "payload"},
		"text in a column":    {"json", `{"at":["2026-11-24T12:00:00Z"],"v":{"ph":["7"]}}`, "v.ph[0]"},
		"too many":            {"json", many, "v"},
		"no array":            {"senml", `{"n":"a","v":1}`, "payload"},
		"not understood":      {"senml", `[{"n":"a","v":1,"must_":1}]`, "[0].must_"},
		"newer":               {"senml", `[{"bver":11,"n":"a","v":1}]`, "[0].bver"},
		"no name":             {"senml", `[{"v":1}]`, "[0].n"},
		"odd name":            {"senml", `[{"n":"a b","v":1}]`, "[0].n"},
		"only base values":    {"senml", `[{"bn":"a"}]`, "payload"},
		"twice":               {"senml", `[{"n":"a","n":"b","v":1}]`, "[0].n"},
		"far":                 {"senml", `[{"n":"a","v":1,"t":1e300}]`, "[0].t"},
		"deep in a field":     {"senml", `[{"n":"a","v":1,"x":` + deep + `}]`, "[0].x"},
		"no CBOR":             {"cbor", "\xff", "payload"},
		"bomb":                {"cbor", "\x9b\x00\x00\x00\xff\xff\xff\xff\xff", "payload"},
		"twice in CBOR":       {"cbor", "\xa2\x61v\x01\x61v\x01", "payload"},
		"NaN":                 {"cbor", toCBOR(t, map[string]any{"at": 1, "v": map[string]any{"ph": math.NaN()}}), "v.ph"},
		"negative sequence":   {"cbor", toCBOR(t, map[string]any{"at": 1, "seq": -1, "v": map[string]any{"ph": 1}}), "seq"},
		"no map":              {"cbor", "\x01", "payload"},
		"label twice":         {"senml", toCBOR(t, []map[any]any{{0: "a", "n": "b", 2: 1}}), "[0].n"},
		"two numbers":         {"plain", "1 2", "payload"},
		"text":                {"plain", "on", "payload"},
		"no protobuf":         {"sparkplug", "\xff\xff", "payload"},
		"no metrics":          {"sparkplug", "", "metrics"},
	} {
		got, bad := codec.Decode(tt.codec, []byte(tt.payload), noon, nil)
		if len(got) != 0 || bad == nil || bad.Field != tt.field || bad.Reason == "" {
			t.Errorf("%s: %v, %+v; want field %s", name, got, bad, tt.field)
		}
	}
}

func TestConvertKeepsToPlainScales(t *testing.T) {
	for _, tt := range []struct {
		v        float64
		from, to string
		want     float64
		ok       bool
	}{
		{7.1, "mg/L", "ug/L", 7100, true}, {7100, "ug/L", "mg/L", 7.1, true}, {21.5, "Cel", "K", 294.65, true}, {294.65, "K", "Cel", 21.5, true},
		{212, "[degF]", "Cel", 100, true}, {1.5, "m", "mm", 1500, true}, {36, "km/h", "m/s", 10, true}, {1, "m3/h", "L/min", 1000.0 / 60, true},
		{3, "dB(A)", "dB(A)", 3, true}, {1, "m", "s", 1, false}, {1, "dB(A)", "1", 1, false}, {1, "", "m", 1, false},
	} {
		got, ok := codec.Convert(tt.v, tt.from, tt.to)
		if ok != tt.ok || math.Abs(got-tt.want) > 1e-9*math.Abs(tt.want) {
			t.Errorf("%g %s is %g %s (%t), want %g (%t)", tt.v, tt.from, got, tt.to, ok, tt.want, tt.ok)
		}
	}
}

// check is what holds of every codec whatever comes: values or a named fault, and values that a caller can use.
func check(t *testing.T, name string, payload []byte) []value {
	t.Helper()
	kept := value{Metric: "kept"}
	got, bad := codec.Decode(name, payload, noon, []value{kept})
	again, _ := codec.Decode(name, payload, noon, []value{kept})
	if d := cmp.Diff(got, again); d != "" {
		t.Fatalf("the same bytes give two answers:\n%s", d)
	}
	switch {
	case len(got) == 0 || got[0] != kept:
		t.Fatal("the caller's values are gone")
	case bad != nil && (len(got) > 1 || bad.Field == "" || bad.Reason == ""):
		t.Fatalf("broken as %+v with %d values", bad, len(got)-1)
	case bad == nil && len(got) == 1:
		t.Fatal("no value and no fault")
	case len(got) > 1+2*codec.MaxValues:
		t.Fatalf("%d values of %d bytes", len(got), len(payload))
	}
	for _, v := range got[1:] {
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) || v.At.Location() != time.UTC {
			t.Fatalf("value %+v", v)
		}
	}
	return got[1:]
}

// FuzzJSON compares what is read of single messages with encoding/json.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-24T12:00:00Z","seq":1,"v":{"ph":7,"do":-1.5e3}}`))
	f.Add([]byte(`[{"at":"1970-01-01T00:00:00.001Z","seq":18446744073709551615,"v":{"\u0070h":0}}]`))
	f.Add([]byte(`{"at":["2026-11-24T12:00:00Z"],"seq":[1],"v":{"ph":[7],"do":[null]}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := check(t, "json", payload)
		if len(got) == 0 {
			return
		}
		var m struct {
			Seq uint64
			V   map[string]float64
		}
		if err := json.Unmarshal(payload, &m); !json.Valid(payload) {
			t.Fatalf("accepted what is no JSON: %v", err)
		} else if err != nil {
			return // a pack
		}
		for _, v := range got {
			if want, ok := m.V[v.Metric]; !ok || want != v.Value || v.Seq != m.Seq {
				t.Fatalf("value %+v of %s", v, payload)
			}
		}
	})
}

func FuzzSenML(f *testing.F) {
	f.Add([]byte(`[{"bn":"a/","bt":1.276e9,"bu":"V","bv":1,"bs":2,"bver":5,"n":"v","v":1,"s":2,"t":-1,"ut":3,"x":[{}]},{"n":"b","vb":false},{"n":"c","vs":"d"}]`))
	f.Add([]byte(toCBOR(f, []map[any]any{{-2: "a/", -3: 1.5e9, 0: "v", 2: 1}, {0: "b", 4: true}, {0: "c", 8: []byte("x")}})))
	f.Fuzz(func(t *testing.T, payload []byte) { check(t, "senml", payload) })
}

func FuzzCBOR(f *testing.F) {
	f.Add([]byte(toCBOR(f, map[string]any{"device": "a", "at": "2026-11-24T12:00:00Z", "seq": 1, "v": map[string]any{"ph": 7.5}})))
	f.Add([]byte(toCBOR(f, []any{map[string]any{"at": []any{1, 2.5}, "seq": []any{1, 2}, "v": map[string]any{"ph": []any{nil, -7}}}})))
	f.Fuzz(func(t *testing.T, payload []byte) { check(t, "cbor", payload) })
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"7.5", " -1e3 ", "0x1p4", "NaN", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) { check(t, "plain", payload) })
}

func FuzzSparkplug(f *testing.F) {
	f.Add([]byte(birth()))
	f.Fuzz(func(t *testing.T, payload []byte) { check(t, "sparkplug", payload) })
}

// BenchmarkDecode reads packs of 20 observations; ns/op divided by 20 is the cost of one.
func BenchmarkDecode(b *testing.B) {
	var at, ph, one []string
	for i := range 20 {
		t := noon.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
		at, ph = append(at, `"`+t+`"`), append(ph, fmt.Sprintf("7.%d", i))
		one = append(one, fmt.Sprintf(`{"at":%q,"v":{"ph":7.%d}}`, t, i))
	}
	for name, payload := range map[string]string{
		"array":   "[" + strings.Join(one, ",") + "]",
		"columns": `{"at":[` + strings.Join(at, ",") + `],"v":{"ph":[` + strings.Join(ph, ",") + `]}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			into := make([]value, 0, 32)
			for b.Loop() {
				if vs, _ := codec.Decode("json", []byte(payload), noon, into[:0]); len(vs) != 20 {
					b.Fatal("not decoded")
				}
			}
		})
	}
}
