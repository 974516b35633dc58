package sensorthings

import (
	"strings"
	"time"
)

// A filter of observations becomes a condition of the store, so that a device's month is read at its speed. Columns are
// device, metric, at, seq, value, flags and rx; every value of the caller is a parameter.

type sqlType int

const (
	numeric sqlType = iota
	moment
	textType
	truth
	nothing
)

type fragment struct {
	sql  string
	args []any
	typ  sqlType
}

// Instant is a parameter that is a moment, given in milliseconds.
const instant = "fromUnixTimestamp64Milli(toInt64(?), 'UTC')"

// condition makes the condition of a filter.
func condition(e *expr, text string, now time.Time) (fragment, error) {
	c := compiler{evaluator: evaluator{text: text, now: now}}
	f, err := c.compile(e)
	if err == nil && f.typ != truth {
		err = c.fault(e, "this is no condition")
	}
	return f, err
}

type compiler struct{ evaluator }

func (c compiler) compile(e *expr) (fragment, error) {
	switch e.kind {
	case literalExpr:
		return c.literal(e)
	case pathExpr:
		return c.column(e)
	case notExpr:
		f, err := c.compile(e.args[0])
		if err == nil && f.typ != truth {
			err = c.fault(e, "not is for conditions")
		}
		return fragment{"NOT (" + f.sql + ")", f.args, truth}, err
	case callExpr:
		return c.call(e)
	}
	return c.operator(e)
}

func (c compiler) literal(e *expr) (fragment, error) {
	switch v := e.val.(type) {
	case float64:
		return fragment{"toFloat64(?)", []any{v}, numeric}, nil
	case string:
		return fragment{"?", []any{v}, textType}, nil
	case time.Time:
		return fragment{instant, []any{v.UnixMilli()}, moment}, nil
	case bool:
		if v {
			return fragment{"1 = 1", nil, truth}, nil
		}
		return fragment{"1 = 0", nil, truth}, nil
	case nil:
		return fragment{"NULL", nil, nothing}, nil
	}
	return fragment{}, c.fault(e, "observations have no geometry of their own")
}

// datastreamID is an observation's Datastream.
const datastreamID = "concat(device, ':', metric)"

var columns = map[string]fragment{
	"phenomenonTime":               {"at", nil, moment},
	"resultTime":                   {"at", nil, moment},
	"result":                       {"value", nil, numeric},
	"parameters/seq":               {"toFloat64(seq)", nil, numeric},
	"parameters/received":          {"rx", nil, moment},
	"id":                           {"concat(device, ':', metric, ':', toString(toUnixTimestamp64Milli(at)), ':', toString(seq))", nil, textType},
	"Datastream/id":                {datastreamID, nil, textType},
	"Datastream/Thing/id":          {"toString(device)", nil, textType},
	"Datastream/Sensor/id":         {"toString(device)", nil, textType},
	"FeatureOfInterest/id":         {"toString(device)", nil, textType},
	"Datastream/properties/metric": {"toString(metric)", nil, textType},
}

func (c compiler) column(e *expr) (fragment, error) {
	name := strings.ReplaceAll(strings.Join(e.path, "/"), "@iot.id", "id")
	f, ok := columns[name]
	if !ok {
		return f, c.fault(e, "observations are not filtered by %.60s; what they are filtered by is phenomenonTime, resultTime, result, id, parameters/seq, parameters/received, Datastream/id, Datastream/Thing/id", name)
	}
	return f, nil
}

var sqlOps = map[string]string{"eq": "=", "ne": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "and": "AND", "or": "OR",
	"add": "+", "sub": "-", "mul": "*", "div": "/"}

func (c compiler) operator(e *expr) (fragment, error) {
	a, err := c.compile(e.args[0])
	if err != nil {
		return a, err
	}
	b, err := c.compile(e.args[1])
	if err != nil {
		return b, err
	}
	if f, ok := c.bound(e, a, b); ok {
		return f, nil
	}
	a, b = c.timed(e.args[0], a, b), c.timed(e.args[1], b, a)
	args := append(append([]any{}, a.args...), b.args...)
	switch e.op {
	case "and", "or":
		if a.typ != truth || b.typ != truth {
			return a, c.fault(e, "%s joins conditions", e.op)
		}
		return fragment{"(" + a.sql + " " + sqlOps[e.op] + " " + b.sql + ")", args, truth}, nil
	case "mod":
		if a.typ == numeric && b.typ == numeric {
			return fragment{"modulo(" + a.sql + ", " + b.sql + ")", args, numeric}, nil
		}
	case "add", "sub", "mul", "div":
		if a.typ == numeric && b.typ == numeric {
			return fragment{"(" + a.sql + " " + sqlOps[e.op] + " " + b.sql + ")", args, numeric}, nil
		}
	default:
		if a.typ == nothing || b.typ == nothing { // no column is ever NULL
			if e.op == "ne" && a.typ != b.typ {
				return fragment{"1 = 1", nil, truth}, nil
			}
			return fragment{"1 = 0", nil, truth}, nil
		}
		if a.typ == b.typ {
			return fragment{"(" + a.sql + " " + sqlOps[e.op] + " " + b.sql + ")", args, truth}, nil
		}
	}
	return a, c.fault(e, "the two sides of %s do not fit", e.op)
}

// bound writes Datastream/id eq 'device:metric' as the store's key, which it finds without looking at every row.
func (c compiler) bound(e *expr, a, b fragment) (fragment, bool) {
	if a.sql != datastreamID {
		a, b = b, a
	}
	if e.op != "eq" || a.sql != datastreamID || b.sql != "?" {
		return fragment{}, false
	}
	id, _ := b.args[0].(string)
	device, metric, ok := strings.Cut(id, ":")
	if !ok {
		return fragment{"1 = 0", nil, truth}, true
	}
	return fragment{"(metric = ? AND device = ?)", []any{metric, device}, truth}, true
}

// timed reads a text as a time where the other side is one.
func (c compiler) timed(e *expr, f, other fragment) fragment {
	s, ok := e.val.(string)
	if e.kind != literalExpr || !ok || other.typ != moment {
		return f
	}
	if t, ok := timeOf(s); ok {
		return fragment{instant, []any{t.UnixMilli()}, moment}
	}
	return f
}

var timeParts = map[string]string{"year": "toYear", "month": "toMonth", "day": "toDayOfMonth", "hour": "toHour",
	"minute": "toMinute", "second": "toSecond"}

func (c compiler) call(e *expr) (fragment, error) {
	var args []fragment
	var values []any
	for _, a := range e.args {
		f, err := c.compile(a)
		if err != nil {
			return f, err
		}
		args, values = append(args, f), append(values, f.args...)
	}
	switch {
	case e.op == "now":
		return fragment{instant, []any{c.now.UnixMilli()}, moment}, nil
	case timeParts[e.op] != "" && args[0].typ == moment:
		return fragment{"toFloat64(" + timeParts[e.op] + "(" + args[0].sql + "))", values, numeric}, nil
	case e.op == "round" && args[0].typ == numeric: // half away from zero, as in memory
		return fragment{"(sign(" + args[0].sql + ") * floor(abs(" + args[0].sql + ") + 0.5))", append(values, values...), numeric}, nil
	case (e.op == "floor" || e.op == "ceiling") && args[0].typ == numeric:
		return fragment{map[string]string{"floor": "floor", "ceiling": "ceil"}[e.op] + "(" + args[0].sql + ")", values, numeric}, nil
	case (e.op == "startswith" || e.op == "endswith") && args[0].typ == textType && args[1].typ == textType:
		return fragment{map[string]string{"startswith": "startsWith", "endswith": "endsWith"}[e.op] + "(" + args[0].sql + ", " + args[1].sql + ")", values, truth}, nil
	case e.op == "substringof" && args[0].typ == textType && args[1].typ == textType:
		return fragment{"(position(" + args[1].sql + ", " + args[0].sql + ") > 0)", append(append([]any{}, args[1].args...), args[0].args...), truth}, nil
	}
	return fragment{}, c.fault(e, "%s is not served on observations with these arguments", e.op)
}
