package codec

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// reader reads CBOR (RFC 8949) from outside: within limits, with every key once, text in UTF-8.
var reader = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		UTF8:             cbor.UTF8RejectInvalid,
		MaxNestedLevels:  maxDepth,
		MaxArrayElements: MaxValues,
		MaxMapPairs:      2 * maxMetrics,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constant: a programmer's mistake
	}
	return mode
}()

func readCBOR(payload []byte, what any) *Broken {
	if err := reader.Unmarshal(payload, what); err != nil {
		return &Broken{"payload", "it is not CBOR as it must be: " + strings.ToValidUTF8(err.Error(), "?")}
	}
	return nil
}

// decodeCBOR reads the same shape as JSON: a map with at, seq, v and device, an array of such, or one with columns. A
// time is a text in RFC 3339, a number of seconds since 1970, or either with its tag (0, 1).
func decodeCBOR(payload []byte, into []Value) ([]Value, *Broken) {
	var tree any
	if bad := readCBOR(payload, &tree); bad != nil {
		return into, bad
	}
	list, packed := tree.([]any)
	if !packed {
		return cborMessage(tree, len(into), into)
	}
	out := into
	for n, one := range list {
		var bad *Broken
		if out, bad = cborMessage(one, len(into), out); bad != nil {
			return into, within(bad, n)
		}
	}
	if len(out) == len(into) {
		return into, &Broken{"payload", "there are no values"}
	}
	return out, nil
}

func cborMessage(tree any, base int, into []Value) ([]Value, *Broken) {
	m, ok := tree.(map[any]any)
	if !ok {
		return into, &Broken{"payload", "a map is expected"}
	}
	seen := 0
	for _, key := range sortedKeys(m) {
		bit, bad := messageKey(key, seen)
		if bad != nil {
			return into, bad
		}
		seen |= bit
	}
	if seen&hasAt == 0 {
		return into, &Broken{"at", "the time is missing"}
	}
	device, ok := m["device"].(string)
	if !ok && seen&hasDevice != 0 {
		return into, &Broken{"device", "it is not a text"}
	}
	values, ok := m["v"].(map[any]any)
	if !ok || len(values) == 0 || len(values) > maxMetrics {
		return into, &Broken{"v", fmt.Sprintf("a map of 1 to %d values is expected", maxMetrics)}
	}
	c, packed, bad := cborColumns(m, values)
	if bad != nil {
		return into, bad
	}
	if packed && seen&hasSeq != 0 && c.seq == nil {
		c.seq = []uint64{}
	}
	return c.rows(into, len(into), base, device, seen)
}

// sortedKeys are the keys as text, in order; what is no text is shown as it is and matches nothing.
func sortedKeys(m map[any]any) []string {
	var out []string
	for k := range maps.Keys(m) {
		out = append(out, fmt.Sprint(k))
	}
	slices.Sort(out)
	return out
}

// cborColumns reads a message as columns: of one element each unless its time is an array.
func cborColumns(m, values map[any]any) (c columns, packed bool, bad *Broken) {
	times, packed := m["at"].([]any)
	if !packed {
		times = []any{m["at"]}
	}
	for n, x := range times {
		t, ok := cborTime(x)
		if !ok {
			return c, packed, &Broken{field("at", n, packed), "it is not a time"}
		}
		c.at = append(c.at, t)
	}
	if x, ok := m["seq"]; ok {
		if c.seq, bad = cborNumbers(x, packed); bad != nil {
			return c, packed, bad
		}
	}
	for _, name := range sortedKeys(values) {
		col, bad := cborColumn(name, values[name], packed)
		if bad != nil {
			return c, packed, bad
		}
		c.metrics = append(c.metrics, col)
	}
	return c, packed, nil
}

func field(name string, n int, packed bool) string {
	if packed {
		return fmt.Sprintf("%s[%d]", name, n)
	}
	return name
}

// elements are those of a column, or the one value of a message that is not packed.
func elements(x any, packed bool) ([]any, bool) {
	if !packed {
		return []any{x}, true
	}
	list, ok := x.([]any)
	return list, ok
}

func cborNumbers(x any, packed bool) ([]uint64, *Broken) {
	list, ok := elements(x, packed)
	if !ok {
		return nil, &Broken{"seq", "at, seq and the values are all arrays, or none is"}
	}
	var out []uint64
	for n, e := range list {
		u, ok := e.(uint64)
		if !ok {
			return nil, &Broken{field("seq", n, packed), "the sequence is a whole number from 0 to 18446744073709551615"}
		}
		out = append(out, u)
	}
	return out, nil
}

func cborColumn(name string, x any, packed bool) (metricColumn, *Broken) {
	m, where := metricColumn{name: name}, "v."+clip(name)
	list, ok := elements(x, packed)
	if !ok {
		return m, &Broken{where, "at, seq and the values are all arrays, or none is"}
	}
	for n, e := range list {
		f, ok := cborFloat(e)
		switch {
		case e == nil && packed:
			f = math.NaN() // none at this moment
		case !ok:
			return m, &Broken{field(where, n, packed), "the value is not a finite number"}
		}
		m.values = append(m.values, f)
	}
	return m, nil
}

func cborFloat(x any) (float64, bool) {
	switch n := x.(type) {
	case uint64:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

func cborTime(x any) (time.Time, bool) {
	switch t := x.(type) {
	case time.Time:
		return moment(t), true
	case string:
		at, err := time.Parse(time.RFC3339Nano, t)
		return moment(at), err == nil
	}
	s, ok := cborFloat(x)
	if !ok || math.Abs(s) > farthest {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Floor(s * 1000))).UTC(), true
}

// senMLLabels are the labels of fields in CBOR (RFC 8428 §6).
var senMLLabels = map[int64]string{-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs", 0: "n", 1: "u", 2: "v", 3: "vs",
	4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd"}

func (r *senml) cbor(payload []byte, into []Value) ([]Value, *Broken) {
	var pack []map[any]any
	if bad := readCBOR(payload, &pack); bad != nil {
		return into, bad
	}
	out := into
	for n, m := range pack {
		rec, bad := cborRecord(m)
		if bad == nil {
			out, bad = r.add(rec, out)
		}
		if bad != nil {
			return into, within(bad, n)
		}
	}
	return r.filled(into, out)
}

func cborRecord(m map[any]any) (record, *Broken) {
	named := map[string]any{}
	for k, x := range m {
		key := fmt.Sprint(k)
		switch label := k.(type) {
		case uint64:
			key = labelled(int64(min(label, math.MaxInt64)), key)
		case int64:
			key = labelled(label, key)
		}
		if _, twice := named[key]; twice {
			return record{}, &Broken{clip(key), "the key is there twice"}
		}
		named[key] = x
	}
	var rec record
	for _, key := range slices.Sorted(maps.Keys(named)) {
		if bad := rec.set(key, named[key]); bad != nil {
			return rec, bad
		}
	}
	return rec, nil
}

func labelled(label int64, otherwise string) string {
	if name, ok := senMLLabels[label]; ok {
		return name
	}
	return otherwise
}

func (rec *record) set(key string, x any) *Broken {
	switch key {
	case "bn", "n", "bu", "u":
		s, ok := x.(string)
		if !ok {
			return &Broken{key, "a text is expected"}
		}
		rec.setText(key, s)
	case "bt", "t", "bv", "v", "bs", "s", "ut", "bver":
		f, ok := cborFloat(x)
		if !ok {
			return &Broken{key, "the value is not a finite number"}
		}
		rec.setNumber(key, f)
	case "vb":
		yes, ok := x.(bool)
		if !ok {
			return &Broken{key, "true or false is expected"}
		}
		rec.vb = &yes
	case "vs", "vd":
		rec.text = true
	default:
		if strings.HasSuffix(key, "_") {
			return &Broken{clip(key), "the field must be understood, and is not"}
		}
	}
	return nil
}
