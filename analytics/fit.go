package analytics

import (
	"iter"
	"math"
	"slices"
)

// Fit estimates a table from events whose true incident is known. Pairs are an event and an incident of its block, as
// fusion meets them; negatives so come from inside the blocks, where they are hard, and not from afar. The threshold
// is the one with the best pair F1 on the same events.
func Fit(events iter.Seq2[Event, string], version, on string) *Weights {
	t := &Weights{Version: version, Fitted: on, Features: map[string]map[string]Odds{}}
	c := counts{m: map[string]map[string]float64{}, u: map[string]map[string]float64{}}
	var labels []string
	var all []Event
	f := NewFusion(t)
	byTruth := map[string]*summary{}
	for e, truth := range events {
		all, labels = append(all, e), append(labels, truth)
		p := prepare(e)
		for _, s := range f.index.candidates(&p, map[*summary]bool{}) {
			found, given := compareCheap(&p, s)
			c.count(append(found[:], compareText(&p, s, given)), byTruth[truth] == s)
		}
		if byTruth[truth] == nil {
			byTruth[truth] = f.open(incidentID(e))
		}
		f.join(byTruth[truth], &p)
	}
	c.fill(t)
	few := min(len(all), tuned)
	t.Attach = bestThreshold(t, all[:few], labels[:few])
	return t
}

// tuned is on how many of the events the threshold is chosen.
const tuned = 2500

// counts are the levels seen in matching and other pairs.
type counts struct {
	m, u          map[string]map[string]float64
	pairs, others float64
}

func (c *counts) count(found []finding, match bool) {
	side := c.u
	if match {
		side, c.pairs = c.m, c.pairs+1
	} else {
		c.others++
	}
	for _, x := range found {
		if x.level == unknown {
			continue
		}
		if side[x.heading()] == nil {
			side[x.heading()] = map[string]float64{}
		}
		side[x.heading()][x.level]++
	}
}

func (c *counts) fill(t *Weights) {
	t.Prior = math.Round(1000*math.Log2(c.pairs/c.others)) / 1000
	for feature := range c.u {
		levels := map[string]bool{}
		var m, u float64
		for l, n := range c.m[feature] {
			levels[l], m = true, m+n
		}
		for l, n := range c.u[feature] {
			levels[l], u = true, u+n
		}
		t.Features[feature] = map[string]Odds{}
		for l := range levels {
			// One more of each (Laplace), so that a level never seen on one side is not taken for impossible.
			t.Features[feature][l] = Odds{
				M: share(c.m[feature][l]+1, m+float64(len(levels))), U: share(c.u[feature][l]+1, u+float64(len(levels)))}
		}
	}
	if err := t.compile(); err != nil {
		panic(err) // the shares lie in (0, 1]
	}
}

func share(a, b float64) float64 { return max(math.Round(1e5*a/b)/1e5, 1e-5) }

func bestThreshold(t *Weights, events []Event, labels []string) (best float64) {
	var bestF1 float64
	for at := -1.0; at <= 7; at += .5 {
		t.Attach = at
		f, got := NewFusion(t), make([]string, len(events))
		for i, e := range events {
			got[i] = string(f.Assign(e).Incident)
		}
		if s := ScorePairs(got, labels); s.F1 > bestF1 {
			best, bestF1 = at, s.F1
		}
	}
	return best
}

// PairScore compares two clusterings by the pairs of members that they put together.
type PairScore struct {
	Precision, Recall, F1 float64
	Pairs                 int     // pairs that truly belong together
	Foreign               float64 // share of members that are not of their incident's majority
}

// ScorePairs scores found clusters against true ones; both give each event's cluster.
func ScorePairs(found, truth []string) PairScore {
	type both struct{ f, t string }
	joint, f, t := map[both]int{}, map[string]int{}, map[string]int{}
	most := map[string]int{}
	for i := range found {
		b := both{found[i], truth[i]}
		joint[b]++
		f[found[i]]++
		t[truth[i]]++
		most[found[i]] = max(most[found[i]], joint[b])
	}
	pairs := func(n int) int { return n * (n - 1) / 2 }
	var hit, said, real, own int
	for _, n := range joint {
		hit += pairs(n)
	}
	for k, n := range f {
		said += pairs(n)
		own += most[k]
	}
	for _, n := range t {
		real += pairs(n)
	}
	s := PairScore{Pairs: real, Precision: ratio(hit, said), Recall: ratio(hit, real)}
	if s.Precision+s.Recall > 0 {
		s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	}
	s.Foreign = 1 - ratio(own, len(found))
	return s
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// Levels lists a feature's levels, for readers of a table.
func (t *Weights) Levels(feature string) []string {
	var out []string
	for l := range t.Features[feature] {
		out = append(out, l)
	}
	slices.Sort(out)
	return out
}
