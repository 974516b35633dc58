package codec

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// decodeSparkplug reads the payload of a Sparkplug B birth or data message (Eclipse Sparkplug 3.0 §6.4): metrics with a
// name, a time and a number. A metric that has only an alias is refused: its name was in a birth message that another
// run may have read. Names in folders use their last part.
func decodeSparkplug(payload []byte, arrival time.Time, into []Value) ([]Value, *Broken) {
	out, sent, seq := into, moment(arrival), uint64(0)
	var bad *Broken
	ok := protoFields(payload, func(n protowire.Number, number uint64, bytes []byte) {
		switch {
		case bad != nil:
		case n == 1:
			sent = sparkplugTime(number)
		case n == 3:
			seq = number
		case n == 2 && len(out)-len(into) == MaxValues:
			bad = tooMany("metrics")
		case n == 2:
			v, broken := sparkplugMetric(bytes)
			if broken {
				bad = &Broken{fmt.Sprintf("metrics[%d]", len(out)-len(into)), "it is no protobuf message"}
			}
			out = append(out, v)
		}
	})
	switch {
	case bad != nil:
		return into, bad
	case !ok:
		return into, &Broken{"payload", "it is no protobuf message"}
	case len(out) == len(into):
		return into, &Broken{"metrics", "there are no values"}
	}
	for i := len(into); i < len(out); i++ {
		if out[i].Seq = seq; out[i].At.IsZero() {
			out[i].At = sent
		}
	}
	return out, nil
}

// protoFields calls f with each field: with the number of a varint or fixed field, or the bytes of the others.
func protoFields(b []byte, f func(n protowire.Number, number uint64, bytes []byte)) bool {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return false
		}
		b = b[size:]
		var number uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var word uint32
			word, size = protowire.ConsumeFixed32(b)
			number = uint64(word)
		case protowire.Fixed64Type:
			number, size = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			bytes, size = protowire.ConsumeBytes(b)
		default:
			size = protowire.ConsumeFieldValue(n, kind, b)
		}
		if size < 0 {
			return false
		}
		b = b[size:]
		f(n, number, bytes)
	}
	return true
}

func sparkplugTime(ms uint64) time.Time {
	return time.UnixMilli(int64(min(ms, farthest*1000))).UTC()
}

// Data types of a metric whose number is signed.
const (
	sparkplugInt8 = iota + 1
	sparkplugInt16
	sparkplugInt32
	sparkplugInt64
)

// sparkplugMetric reads one metric. What it measures stands in the field of its type.
func sparkplugMetric(b []byte) (v Value, broken bool) {
	var kind uint64
	var raw struct {
		n     protowire.Number
		value uint64
	}
	null := false
	ok := protoFields(b, func(n protowire.Number, number uint64, bytes []byte) {
		switch n {
		case 1:
			_, v.Metric, _ = senMLName(string(bytes))
		case 3:
			v.At = sparkplugTime(number)
		case 4:
			kind = number
		case 7:
			null = number != 0
		case 10, 11, 12, 13, 14, 15, 16, 17, 18, 19:
			raw.n, raw.value = n, number
		}
	})
	v.Value, v.Refused = sparkplugNumber(raw.n, raw.value, kind)
	switch {
	case v.Metric == "":
		v.Refused = "the metric has no name of letters, digits and - : . / _; an alias alone is not enough"
	case null:
		v.Refused = "the value is null"
	}
	return v, !ok
}

func sparkplugNumber(field protowire.Number, value, kind uint64) (float64, string) {
	var f float64
	switch field {
	case 10: // int_value: signed types are in two's complement
		f = float64(uint32(value))
		if kind >= sparkplugInt8 && kind <= sparkplugInt32 {
			f = float64(int32(uint32(value)))
		}
	case 11: // long_value
		f = float64(value)
		if kind == sparkplugInt64 {
			f = float64(int64(value))
		}
	case 12: // float_value
		f = float64(math.Float32frombits(uint32(value)))
	case 13: // double_value
		f = math.Float64frombits(value)
	case 14: // boolean_value
		if value != 0 {
			f = 1
		}
	case 0:
		return 0, "there is no value"
	default:
		return 0, "a text, bytes or a table are no measurement"
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, "the value is not a finite number"
	}
	return f, ""
}
