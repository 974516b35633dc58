package detect

import (
	"math"
	"math/bits"
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
	buckets   = 1024
	nothing   = ^uint16(0)
)

// pair is a context as observed; part is what an observed left side has in common with a later one.
type pair struct {
	Facts  [mostFacts]uint16 // ascending, as many as Sides says
	Active uint16
	Sides  sides
}

type part struct {
	Facts  [mostParts]uint16
	Active uint16
	Sides  sides
}

// sides are the facts of the value on the left, those of the value on the right, and the number of contexts on the left.
type sides uint16

func sidesOf(left, right uint8, n int) sides { return sides(left) | sides(right)<<6 | sides(n)<<12 }

func (s sides) left() uint8  { return uint8(s & 63) }
func (s sides) right() uint8 { return uint8(s >> 6 & 63) }
func (s sides) n() int       { return int(s >> 12) }

// memory is what a contextual detector has learnt: fixed in size, and the whole of it is its state.
type memory struct {
	Pairs          [pairs]pair
	Parts          [common]part
	NPairs, NParts uint16 // filled
	NextPair, Next uint16 // to be replaced
	Facts          [mostFacts]uint16
	N, Sense       uint8 // the left side
	Begun          bool
	SinceStrange   int32
}

// mind is a memory with its indexes, which are rebuilt from it.
type mind struct {
	m      memory
	head   [buckets]uint16  // by hash of both sides
	same   [contexts]uint16 // next in the bucket
	watch  [contexts]uint16 // by fact: contexts that wait for it
	next   [contexts]uint16 // next that waits for the same fact
	plain  uint16           // contexts whose left side names no context
	now    [(contexts + 63) / 64]uint64
	met    [(contexts + 63) / 64]uint64
	active [mostFacts]uint32 // the most active contexts of this step: activity, then id
	n      int
}

func newMind() *mind {
	c := &mind{plain: nothing}
	c.m.SinceStrange = math.MaxInt32
	fill(c.head[:])
	fill(c.watch[:])
	return c
}

func fill(s []uint16) {
	for i := range s {
		s[i] = nothing
	}
}

// reindex builds the indexes from the memory.
func (c *mind) reindex() {
	for id := range c.m.NPairs {
		c.link(id)
	}
	for id := range c.m.NParts {
		c.link(pairs + id)
	}
	for _, f := range c.m.Facts[:c.m.N] {
		c.now[f/64] |= 1 << (f % 64)
	}
}

func (c *mind) context(id uint16) (facts []uint16, s sides) {
	if id < pairs {
		p := &c.m.Pairs[id]
		return p.Facts[:p.Sides.n()], p.Sides
	}
	p := &c.m.Parts[id-pairs]
	return p.Facts[:p.Sides.n()], p.Sides
}

func (c *mind) activity(id uint16) *uint16 {
	if id < pairs {
		return &c.m.Pairs[id].Active
	}
	return &c.m.Parts[id-pairs].Active
}

func hash(facts []uint16, s sides) uint32 {
	h := uint32(2166136261) // FNV-1a
	for _, f := range facts {
		h = (h ^ uint32(f)) * 16777619
	}
	h = (h ^ uint32(s)) * 16777619
	return (h ^ h>>15) % buckets
}

func (c *mind) find(facts []uint16, s sides) uint16 {
	for id := c.head[hash(facts, s)]; id != nothing; id = c.same[id] {
		if f, got := c.context(id); got == s && slices.Equal(f, facts) {
			return id
		}
	}
	return nothing
}

// chains are the two lists id is in.
func (c *mind) chains(id uint16) (bucket, waiting *uint16) {
	facts, s := c.context(id)
	waiting = &c.plain
	if len(facts) > 0 {
		waiting = &c.watch[facts[s.n()-1]]
	}
	return &c.head[hash(facts, s)], waiting
}

func (c *mind) link(id uint16) {
	bucket, waiting := c.chains(id)
	c.same[id], *bucket = *bucket, id
	c.next[id], *waiting = *waiting, id
}

func (c *mind) unlink(id uint16) {
	bucket, waiting := c.chains(id)
	cut(bucket, &c.same, id)
	cut(waiting, &c.next, id)
}

func cut(head *uint16, next *[contexts]uint16, id uint16) {
	for p := head; *p != nothing; p = &next[*p] {
		if *p == id {
			*p = next[id]
			return
		}
	}
}

// learnPair puts in an observed pair and returns its id, or nothing when it was known.
func (c *mind) learnPair(outcome uint8) uint16 {
	m := &c.m
	facts := m.Facts[:m.N]
	s := sidesOf(m.Sense, outcome, len(facts))
	if c.find(facts, s) != nothing {
		return nothing
	}
	id := c.room(0, pairs, &m.NPairs, &m.NextPair)
	m.Pairs[id] = pair{Facts: m.Facts, Sides: s}
	c.link(id)
	return id
}

func (c *mind) learnPart(facts []uint16, s sides) uint16 {
	id := c.room(pairs, common, &c.m.NParts, &c.m.Next)
	p := &c.m.Parts[id-pairs]
	*p = part{Sides: s}
	copy(p.Facts[:], facts)
	c.link(id)
	return id
}

// room is a free place of a ring, made by replacing the oldest that was not active of late (second chance).
func (c *mind) room(first, size uint16, filled, next *uint16) uint16 {
	if *filled < size {
		*filled++
		return first + *filled - 1
	}
	const chances = 64
	for range chances {
		a := c.activity(first + *next)
		if *a == 0 {
			break
		}
		*a /= 2
		*next = (*next + 1) % size
	}
	id := first + *next
	*next = (*next + 1) % size
	c.unlink(id)
	return id
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

// follow finds the contexts whose left side was there and makes those active whose outcome came. It returns their share.
func (c *mind) follow(s uint8, fresh uint16) float64 {
	selected, active := 0, 0
	c.n = 0
	visit := func(id uint16) {
		for ; id != nothing; id = c.next[id] {
			facts, sd := c.context(id)
			if sd.left()&^c.m.Sense != 0 || id == fresh || !c.within(facts) {
				continue
			}
			selected++
			if sd.right()&^s == 0 {
				active++
				c.activate(id)
			}
		}
	}
	if c.m.Begun {
		visit(c.plain)
	}
	for _, f := range c.m.Facts[:c.m.N] {
		visit(c.watch[f])
	}
	if selected == 0 {
		return 0
	}
	return float64(active) / float64(selected)
}

func (c *mind) within(facts []uint16) bool {
	for _, f := range facts {
		if c.now[f/64]>>(f%64)&1 == 0 {
			return false
		}
	}
	return true
}

// activate counts id's activity and keeps the most active contexts, the later of equals, the least active first.
func (c *mind) activate(id uint16) {
	a := c.activity(id)
	if *a < math.MaxUint16 {
		*a++
	}
	rank := uint32(*a)<<16 | uint32(id)
	i := c.n
	if i == mostFacts {
		if rank < c.active[0] {
			return
		}
		i = copy(c.active[:], c.active[1:])
	} else {
		c.n++
	}
	for ; i > 0 && rank < c.active[i-1]; i-- {
		c.active[i] = c.active[i-1]
	}
	c.active[i] = rank
}

// compare learns what the left side of now has in common with those of the observed pairs with a like outcome. It
// returns how many such parts were new, and how many there were.
func (c *mind) compare(s uint8, fresh uint16) (added, uniq int) {
	clear(c.met[:])
	var buf [mostParts]uint16
	for id := range c.m.NPairs {
		p := &c.m.Pairs[id]
		outcome, left := p.Sides.right()&s, p.Sides.left()&c.m.Sense
		if id == fresh || outcome == 0 {
			continue
		}
		facts, ok := c.shared(p, buf[:0], min(mostParts, mostShare-bits.OnesCount8(left)))
		whole := len(facts) == p.Sides.n() && left == p.Sides.left() && outcome == p.Sides.right()
		if !ok || whole || len(facts) == 0 && left == 0 {
			continue // too much in common, active itself, or nothing
		}
		a, u := c.learn(facts, sidesOf(left, outcome, len(facts)))
		added, uniq = added+a, uniq+u
	}
	return added, uniq
}

// shared are p's left facts that hold now; it is not ok when they are more than most.
func (c *mind) shared(p *pair, buf []uint16, most int) (facts []uint16, ok bool) {
	for _, f := range p.Facts[:p.Sides.n()] {
		if c.now[f/64]>>(f%64)&1 == 0 {
			continue
		}
		if len(buf) == most {
			return buf, false
		}
		buf = append(buf, f)
	}
	return buf, true
}

func (c *mind) learn(facts []uint16, s sides) (added, uniq int) {
	id := c.find(facts, s)
	if id == nothing {
		id, added = c.learnPart(facts, s), 1
	}
	if c.met[id/64]>>(id%64)&1 == 0 {
		c.met[id/64] |= 1 << (id % 64)
		uniq = 1
	}
	return added, uniq
}

// remember makes s and the active contexts the left side of what comes next.
func (c *mind) remember(s uint8) {
	m := &c.m
	clear(m.Facts[:])
	for i, rank := range c.active[:c.n] {
		m.Facts[i] = uint16(rank)
	}
	slices.Sort(m.Facts[:c.n])
	m.N, m.Sense, m.Begun = uint8(c.n), s, true
	clear(c.now[:])
	for _, f := range m.Facts[:c.n] {
		c.now[f/64] |= 1 << (f % 64)
	}
}

// ContextualBytes is what one contextual detector takes in memory, its indexes and evidence included.
const ContextualBytes = float64(unsafe.Sizeof(contextual{}) + unsafe.Sizeof(mind{}))
