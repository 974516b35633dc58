package vitals

import (
	"cmp"
	"math"
	"slices"
)

// measured is one row of an indicator's SQL.
type measured struct {
	street        string
	value, weight float64
}

// district rolls streets up. It is NaN when there is nothing, or when no weight stands behind a mean.
func (r Rollup) district(rows []measured) measured {
	var out measured
	var weighed float64
	for _, m := range rows {
		out.value += m.value
		weighed += m.value * m.weight
		out.weight += m.weight
	}
	switch {
	case len(rows) == 0:
		out.value = math.NaN()
	case r == Mean && out.weight > 0:
		out.value = weighed / out.weight
	case r == Mean:
		out.value = math.NaN()
	}
	return out
}

// worst picks the street that stands for the district: the worst grade, then the score farthest out, then by name.
func worst(values []Value, up bool) Value {
	return slices.MinFunc(values, func(a, b Value) int {
		far := cmp.Compare(b.Score, a.Score)
		if !up {
			far = -far
		}
		return cmp.Or(cmp.Compare(b.Grade, a.Grade), far, cmp.Compare(a.Street, b.Street))
	})
}
