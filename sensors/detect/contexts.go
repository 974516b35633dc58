package detect

import (
	"math"
	"slices"
	"unsafe"
)

// The contextual anomaly detector learns pairs of what went before (left) and what came then (right). A value in three
// bits gives three facts, one per bit; facts of the left side are these and the contexts that were active. A context
// whose left side was wholly there is selected; when its right side comes too, it is active. A value is strange when few
// of the selected contexts become active, and when what it adds to the known contexts is mostly new.
//
// Memory is bounded by two rings of contexts, the observed pairs and what such pairs have in common; the oldest without
// activity makes room. A left fact that names a replaced context means its successor.
const (
	pairs     = 256  // observed pairs
	common    = 2304 // parts that observed pairs have in common
	contexts  = pairs + common
	mostFacts = 15 // active contexts that the next left side may name
	mostShare = 7  // facts of a left side in common, those of the value among them
	mostParts = 6  // contexts among these
	valueBits = 3
	watchBits = 11
	nothing   = ^uint16(0)
)

// sides are the facts of the value on the left, those of the value on the right, and the number of contexts on the left.
type sides uint16

func sidesOf(left, right uint8, n int) sides { return sides(left) | sides(right)<<6 | sides(n)<<12 }

func (s sides) left() uint8  { return uint8(s & 63) }
func (s sides) right() uint8 { return uint8(s >> 6 & 63) }
func (s sides) n() int       { return int(s >> 12) }

// context is what is looked at first in a context: the last of the contexts on its left side, or nothing, tells most apart.
type context struct {
	Sides sides
	Last  uint16
}

// rest is how many contexts are on the left side before the last.
func (c context) rest() int { return max(c.Sides.n(), 1) - 1 }

// contextOf has these ascending facts on the left side.
func contextOf(s sides, facts []uint16) context {
	if len(facts) == 0 {
		return context{s, nothing}
	}
	return context{s, facts[len(facts)-1]}
}

// memory is what a contextual detector has learnt: fixed in size, and the whole of it is its state. A context's id is its
// place; the observed pairs come first.
type memory struct {
	Contexts       [contexts]context
	Active         [contexts]uint16
	Pairs          [pairs][mostFacts - 1]uint16  // left facts before the last, ascending
	Parts          [common][mostParts - 1]uint16 // those that an observed left side has in common with a later one
	NPairs, NParts uint16                        // filled
	NextPair, Next uint16                        // to be replaced
	Facts          [mostFacts]uint16             // the left side of what comes next, ascending
	N, Sense       uint8
	Begun          bool
	SinceStrange   int32
}

// rest are the contexts on the left side of id before the last.
func (m *memory) rest(id uint16) []uint16 {
	n := m.Contexts[id].rest()
	if id < pairs {
		return m.Pairs[id][:n]
	}
	return m.Parts[id-pairs][:n]
}

// mind is a memory with its index, which is rebuilt from it.
type mind struct {
	m      memory
	watch  [1 << watchBits]uint16 // by the last fact and the value's facts on the left: contexts that wait for these
	next   [contexts]uint16       // next that waits for the same
	prev   [contexts]uint16       // the one before
	place  [contexts]uint8        // in m.Facts, from 1; 0 is not there
	active [mostFacts]uint32      // the most active contexts of this step: activity, then id
	n      int
}

func newMind() *mind {
	c := &mind{}
	c.m.SinceStrange = math.MaxInt32
	for i := range c.watch {
		c.watch[i] = nothing
	}
	return c
}

// sense are the facts of a value between lo and hi: of each bit that it is clear or set.
func sense(v, lo, hi float64) uint8 {
	const top = 1<<valueBits - 1
	width := hi - lo
	if width <= 0 {
		width = top
	}
	q := uint8(max(0, min(top, (v-lo)/width*top)))
	var f uint8
	for i := range valueBits {
		f |= 1 << (2*i + int(q>>i&1))
	}
	return f
}

// see takes the facts of the next value and tells how strange it is, 0 to 1.
func (c *mind) see(s uint8) float64 {
	m := &c.m
	fresh, uniq, added := nothing, 0, 0
	if m.Begun {
		uniq = 1
		if fresh = c.learnPair(s); fresh != nothing {
			added = 1
		}
	}
	kept := c.follow(s, fresh)
	if fresh != nothing {
		a, u := c.compare(s, fresh)
		added, uniq = added+a, uniq+u
	}
	c.remember(s)
	novel := 0.0
	if uniq > 0 {
		novel = float64(added) / float64(uniq)
	}
	return (1 - kept + novel) / 2
}

// remember makes s and the active contexts the left side of what comes next.
func (c *mind) remember(s uint8) {
	m := &c.m
	for _, f := range m.Facts[:m.N] {
		c.place[f] = 0
	}
	clear(m.Facts[:])
	for i, rank := range c.active[:c.n] {
		m.Facts[i] = uint16(rank)
	}
	slices.Sort(m.Facts[:c.n])
	m.N, m.Sense, m.Begun = uint8(c.n), s, true
	c.arrange()
}

// ContextualBytes is what one contextual detector takes in memory, its indexes and evidence included.
const ContextualBytes = float64(unsafe.Sizeof(contextual{}) + unsafe.Sizeof(mind{}))
