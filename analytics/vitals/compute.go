package vitals

import (
	"context"
	"math"
	"slices"
	"time"
)

// compute makes and stores v's values of the period that begins at from.
func (k *Keeper) compute(ctx context.Context, v Version, from time.Time) ([]Value, error) {
	out, err := k.values(ctx, v, from, true)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, k.Values.Put(ctx, out)
}

// values makes v's values of a period. keep stores what the baseline lacks.
func (k *Keeper) values(ctx context.Context, v Version, from time.Time, keep bool) ([]Value, error) {
	rows, err := k.measure(ctx, v, from)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	past, err := k.past(ctx, v, from, keep)
	if err != nil {
		return nil, err
	}
	return v.judge(from, rows, past, k.Now()), nil
}

// measure runs v's SQL over a period.
func (k *Keeper) measure(ctx context.Context, v Version, from time.Time) ([]measured, error) {
	result, err := k.Engine.Run(ctx, filled(v.SQL, from, from.Add(time.Duration(v.Every)), ""), maxStreets)
	if err != nil {
		return nil, err
	}
	return rowsOf(result)
}

// before is what is known of one street before a period.
type before struct {
	recent []Value   // of the last periods, the oldest first
	base   []float64 // what the baseline is made of
}

// past reads what values of a period are judged by.
func (k *Keeper) past(ctx context.Context, v Version, from time.Time, keep bool) (map[string]*before, error) {
	every := time.Duration(v.Every)
	var recent, same []time.Time
	for n := trendLen - 1; n > 0; n-- {
		recent = append(recent, from.Add(-time.Duration(n)*every))
	}
	if v.Baseline.Kind == SameHour {
		for n := weeks; n > 0; n-- {
			same = append(same, from.Add(-time.Duration(n)*week))
		}
	}
	stored, err := k.Values.At(ctx, v.ID, append(slices.Clone(recent), same...))
	if err != nil {
		return nil, err
	}
	if stored, err = k.fill(ctx, v, stored, same, keep); err != nil {
		return nil, err
	}
	out := map[string]*before{}
	for _, p := range stored {
		b := of(out, p.Street)
		if slices.ContainsFunc(recent, p.From.Equal) {
			b.recent = append(b.recent, p)
		}
		if slices.ContainsFunc(same, p.From.Equal) {
			b.base = append(b.base, p.Value)
		}
	}
	if v.Baseline.Kind != Quantile {
		return out, nil
	}
	days, err := k.Values.Between(ctx, v.ID, from.AddDate(0, 0, -v.Baseline.Days), from)
	for _, p := range days {
		b := of(out, p.Street)
		b.base = append(b.base, p.Value)
	}
	return out, err
}

const week = 7 * 24 * time.Hour

func of(m map[string]*before, street string) *before {
	if m[street] == nil {
		m[street] = &before{}
	}
	return m[street]
}

// fill computes the same hours of weeks before that are not stored yet; their values are stored without a grade.
func (k *Keeper) fill(ctx context.Context, v Version, stored []Value, same []time.Time, keep bool) ([]Value, error) {
	for _, at := range same {
		if slices.ContainsFunc(stored, func(p Value) bool { return p.From.Equal(at) }) {
			continue
		}
		rows, err := k.measure(ctx, v, at)
		if err != nil {
			return nil, err
		}
		raw := v.raw(at, rows, k.Now())
		if keep && len(raw) > 0 {
			if err := k.Values.Put(ctx, raw); err != nil {
				return nil, err
			}
		}
		stored = append(stored, raw...)
	}
	return stored, nil
}

// raw makes ungraded values of what was measured, streets by name and the district last.
func (v *Version) raw(from time.Time, rows []measured, now time.Time) []Value {
	valueOf := func(m measured) Value {
		return Value{Indicator: v.ID, Street: m.street, From: from, To: from.Add(time.Duration(v.Every)), Version: v.Version,
			Value: m.value, Weight: m.weight, Baseline: math.NaN(), Score: math.NaN(), Grade: Unknown, Trend: NoTrend, Computed: now}
	}
	var out []Value
	for _, m := range rows {
		if m.street != "" {
			out = append(out, valueOf(m))
		}
	}
	slices.SortFunc(out, byStreet)
	d := v.Rollup.district(rows)
	if v.Rollup == Worst {
		d.value = extreme(rows, !v.High.empty())
	}
	if !math.IsNaN(d.value) {
		out = append(out, valueOf(d))
	}
	return out
}

func extreme(rows []measured, up bool) float64 {
	m := rows[0].value
	for _, r := range rows[1:] {
		if up {
			m = max(m, r.value)
		} else {
			m = min(m, r.value)
		}
	}
	return m
}

func byStreet(a, b Value) int {
	switch {
	case a.Street < b.Street:
		return -1
	case a.Street > b.Street:
		return 1
	}
	return 0
}

// judge makes graded values of what was measured in a period.
func (v *Version) judge(from time.Time, rows []measured, past map[string]*before, now time.Time) []Value {
	if len(rows) == 0 {
		return nil
	}
	out := v.raw(from, rows, now)
	for i := range out {
		if out[i].Street != "" {
			v.grade(&out[i], past, v.High, v.Low)
		}
	}
	if n := len(out) - 1; n >= 0 && out[n].Street == "" {
		v.district(&out[n], out[:n], past)
	}
	return out
}

// district grades the district's value: by its own limits, the streets' limits, or as its worst street.
func (v *Version) district(d *Value, streets []Value, past map[string]*before) {
	switch {
	case v.Rollup == Worst && len(streets) > 0:
		w := worst(streets, !v.High.empty())
		d.Value, d.Weight, d.Baseline, d.Score = w.Value, w.Weight, w.Baseline, w.Score
		v.follow(d, past[""])
		v.set(d, w.Grade, past[""])
	case !v.District.High.empty() || !v.District.Low.empty():
		v.grade(d, past, v.District.High, v.District.Low)
	default:
		v.grade(d, past, v.High, v.Low)
	}
}

func (v *Version) grade(x *Value, past map[string]*before, high, low Limits) {
	b := past[x.Street]
	var base []float64
	if b != nil {
		base = b.base
	}
	x.Score, x.Baseline = v.Baseline.score(x.Value, base)
	v.follow(x, b)
	g := grade(x.Score, high, low)
	if x.Weight < v.LeastWeight {
		g = Unknown
	}
	v.set(x, g, b)
}

// follow says where the values go.
func (v *Version) follow(x *Value, b *before) {
	var values []float64
	if b != nil {
		for _, p := range b.recent {
			values = append(values, p.Value)
		}
	}
	x.Trend = trend(append(values, x.Value))
}

// set gives the grade and since when it has been off.
func (v *Version) set(x *Value, g Grade, b *before) {
	x.Grade, x.Since = g, time.Time{}
	if g <= Normal {
		return
	}
	x.Since = x.From
	if b == nil || len(b.recent) == 0 {
		return
	}
	last := b.recent[len(b.recent)-1]
	if last.From.Equal(x.From.Add(-time.Duration(v.Every))) && last.Grade > Normal && !last.Since.IsZero() {
		x.Since = last.Since
	}
}
