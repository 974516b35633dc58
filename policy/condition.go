package policy

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
)

// Op is a comparison of a row filter.
type Op string

// The comparisons a filter may use.
const (
	Eq         Op = "eq"
	Ne         Op = "ne"
	Lt         Op = "lt"
	Le         Op = "le"
	Gt         Op = "gt"
	Ge         Op = "ge"
	In         Op = "in"
	StartsWith Op = "startswith"
)

// Condition is one term of a row filter; a filter is the conjunction of its terms.
type Condition struct {
	Column string   `json:"column"`
	Op     Op       `json:"op"`
	Values []string `json:"values"`
}

// Limits of a filter.
const (
	maxConditions = 20
	maxValues     = 200
	maxValueLen   = 200
)

// canonical forms of times in filters: fixed width, so that text order is time order.
const (
	DateForm     = "2006-01-02"
	DatetimeForm = "2006-01-02T15:04:05.000Z"
)

// checkFilter checks every term against the dataset's fields and returns the filter with its values in canonical form.
func checkFilter(d Dataset, filter []Condition, allRows bool) ([]Condition, error) {
	switch {
	case allRows && len(filter) > 0:
		return nil, plinth.Invalid("filter", "a request for all rows has no filter")
	case !allRows && len(filter) == 0:
		return nil, plinth.Invalid("filter", "name at least one condition, or ask for all rows")
	case len(filter) > maxConditions:
		return nil, plinth.Invalid("filter", "at most %d conditions", maxConditions)
	}
	out := make([]Condition, len(filter))
	for i, c := range filter {
		v, err := checkCondition(d, c, fmt.Sprintf("filter[%d]", i))
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func checkCondition(d Dataset, c Condition, at string) (Condition, error) {
	f, ok := d.Field(c.Column)
	if !ok {
		return c, plinth.Invalid(at+".column", "the dataset has no field %q", c.Column)
	}
	if !opFits(c.Op, f.Kind) {
		return c, plinth.Invalid(at+".op", "%q does not fit a field of type %s", c.Op, f.Kind)
	}
	if n := len(c.Values); n == 0 || n > maxValues || (n > 1 && c.Op != In) {
		return c, plinth.Invalid(at+".values", "%q takes %s", c.Op, arity(c.Op))
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		w, err := Canonical(f.Kind, v)
		if err != nil {
			return c, plinth.Invalid(fmt.Sprintf("%s.values[%d]", at, i), "%v", err)
		}
		values[i] = w
	}
	return Condition{Column: c.Column, Op: c.Op, Values: values}, nil
}

func arity(op Op) string {
	if op == In {
		return fmt.Sprintf("1 to %d values", maxValues)
	}
	return "one value"
}

func opFits(op Op, k Kind) bool {
	switch op {
	case Eq, Ne:
		return true
	case In:
		return k != Boolean
	case Lt, Le, Gt, Ge:
		return k != Boolean
	case StartsWith:
		return k == String
	}
	return false
}

// Canonical returns the one text that stands for a value of the kind, or says why there is none.
func Canonical(k Kind, v string) (string, error) {
	if len(v) > maxValueLen || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return "", fmt.Errorf("values are UTF-8 text of at most %d bytes without NUL", maxValueLen)
	}
	switch k {
	case String:
		return v, nil
	case Integer:
		return canonicalInteger(v)
	case Decimal:
		return canonicalDecimal(v)
	case Boolean:
		if v == "true" || v == "false" {
			return v, nil
		}
		return "", fmt.Errorf("%q is not true or false", v)
	case Date:
		return canonicalTime(v, DateForm, time.DateOnly)
	case Datetime:
		return canonicalTime(v, DatetimeForm, time.RFC3339Nano, "2006-01-02 15:04:05", time.DateOnly)
	}
	return "", fmt.Errorf("fields of type %q cannot be filtered", k)
}

// Integers stay within 2^53, the range in which JSON numbers, Rego and ClickHouse surely agree.
func canonicalInteger(v string) (string, error) {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n > 1<<53 || n < -(1<<53) {
		return "", fmt.Errorf("%q is not a whole number between ±2^53", v)
	}
	return strconv.FormatInt(n, 10), nil
}

func canonicalDecimal(v string) (string, error) {
	if len(v) > 24 || strings.Trim(v, "+-.0123456789") != "" {
		return "", fmt.Errorf("%q is not a decimal number", v)
	}
	r, ok := new(big.Rat).SetString(v)
	if !ok {
		return "", fmt.Errorf("%q is not a decimal number", v)
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64), nil
}

func canonicalTime(v, form string, layouts ...string) (string, error) {
	for _, l := range layouts {
		t, err := time.Parse(l, v)
		if err == nil && t.Year() >= 1970 && t.Year() < 2100 {
			return t.UTC().Format(form), nil
		}
	}
	return "", fmt.Errorf("%q is not a time between 1970 and 2099 (RFC 3339)", v)
}
