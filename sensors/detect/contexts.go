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
	pairs      = 256  // observed pairs
	common     = 2304 // parts that observed pairs have in common
	contexts   = pairs + common
	mostFacts  = 15 // active contexts that the next left side may name
	mostShare  = 7  // facts of a left side in common, those of the value among them
	mostParts  = 6  // contexts among these
	valueBits  = 3
	bucketBits = 10
	watchBits  = 11
	nothing    = ^uint16(0)
)

// sides are the facts of the value on the left, those of the value on the right, and the number of contexts on the left.
type sides uint16

func sidesOf(left, right uint8, n int) sides { return sides(left) | sides(right)<<6 | sides(n)<<12 }

func (s sides) left() uint8  { return uint8(s & 63) }
func (s sides) right() uint8 { return uint8(s >> 6 & 63) }
func (s sides) n() int       { return int(s >> 12) }

// memory is what a contextual detector has learnt: fixed in size, and the whole of it is its state. A context's id is its
// place; the observed pairs come first. What is looked at for each of them lies side by side.
type memory struct {
	Sides          [contexts]sides
	Active         [contexts]uint16
	Pairs          [pairs][mostFacts]uint16  // left facts, ascending, as many as Sides says
	Parts          [common][mostParts]uint16 // what an observed left side has in common with a later one
	NPairs, NParts uint16                    // filled
	NextPair, Next uint16                    // to be replaced
	Facts          [mostFacts]uint16         // the left side of what comes next, ascending
	N, Sense       uint8
	Begun          bool
	SinceStrange   int32
}

// mind is a memory with its indexes, which are rebuilt from it.
type mind struct {
	m      memory
	bucket [1 << bucketBits]uint16 // by hash of both sides
	same   [contexts]uint16        // next in the bucket
	watch  [1 << watchBits]uint16  // by the last fact and the value's facts on the left: contexts that wait for these
	next   [contexts]uint16        // next that waits for the same
	place  [contexts]uint8         // in m.Facts, from 1; 0 is not there
	mixes  [mostFacts]uint32       // of m.Facts
	active [mostFacts]uint32       // the most active contexts of this step: activity, then id
	n      int
}

func newMind() *mind {
	c := &mind{}
	c.m.SinceStrange = math.MaxInt32
	fill(c.bucket[:])
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
		c.link(id, bucket(sum(c.facts(id)), c.m.Sides[id]))
	}
	for i := range c.m.NParts {
		id := pairs + i
		c.link(id, bucket(sum(c.facts(id)), c.m.Sides[id]))
	}
	c.arrange()
}

// arrange makes the left side's facts quick to find.
func (c *mind) arrange() {
	for i, f := range c.m.Facts[:c.m.N] {
		c.place[f], c.mixes[i] = uint8(i+1), mix(f)
	}
}

// facts are the contexts on the left side of id.
func (c *mind) facts(id uint16) []uint16 {
	n := c.m.Sides[id].n()
	if id < pairs {
		return c.m.Pairs[id][:n]
	}
	return c.m.Parts[id-pairs][:n]
}

// mix scatters a fact; the sum over a left side's facts is a part of its hash.
func mix(f uint16) uint32 {
	x := (uint32(f) + 1) * 2654435769
	return (x ^ x>>15) * 2246822519
}

// bucket is that of both sides, by the sum of the left facts' mixes.
func bucket(sum uint32, s sides) uint32 {
	h := (sum ^ uint32(s)) * 2654435769
	return h >> (32 - bucketBits)
}

func sum(facts []uint16) uint32 {
	h := uint32(0)
	for _, f := range facts {
		h += mix(f)
	}
	return h
}

// find is the context with these sides, in the bucket b.
func (c *mind) find(facts []uint16, s sides, b uint32) uint16 {
	last := c.bucket[b]
	if last == nothing {
		return nothing
	}
	for id := c.same[last]; ; id = c.same[id] {
		if c.m.Sides[id] == s && slices.Equal(c.facts(id), facts) {
			return id
		}
		if id == last {
			return nothing
		}
	}
}

// last is the last context on the left side of id, or nothing.
func (c *mind) last(id uint16) uint16 {
	n := c.m.Sides[id].n()
	switch {
	case n == 0:
		return nothing
	case id < pairs:
		return c.m.Pairs[id][n-1]
	}
	return c.m.Parts[id-pairs][n-1]
}

// waits is the list in which id waits.
func (c *mind) waits(id uint16) *uint16 {
	return &c.watch[waiting(mix(c.last(id)), c.m.Sides[id].left())]
}

// waiting is the place in watch for a last fact, by its mix, and the value's facts on the left.
func waiting(mix uint32, left uint8) uint32 {
	return (mix + uint32(left)*2654435769) >> (32 - watchBits)
}

func (c *mind) link(id uint16, b uint32) {
	push(&c.bucket[b], &c.same, id)
	push(c.waits(id), &c.next, id)
}

func (c *mind) unlink(id uint16) {
	drop(&c.bucket[bucket(sum(c.facts(id)), c.m.Sides[id])], &c.same, id)
	drop(c.waits(id), &c.next, id)
}

// push puts id at the end of a list. Lists are rings, known by their last: the oldest is first, and it goes first.
func push(last *uint16, next *[contexts]uint16, id uint16) {
	if *last == nothing {
		next[id] = id
	} else {
		next[id], next[*last] = next[*last], id
	}
	*last = id
}

func drop(last *uint16, next *[contexts]uint16, id uint16) {
	p := *last
	for next[p] != id {
		p = next[p]
	}
	next[p] = next[id]
	switch {
	case p == id:
		*last = nothing
	case *last == id:
		*last = p
	}
}

// learnPair puts in an observed pair and returns its id, or nothing when it was known.
func (c *mind) learnPair(outcome uint8) uint16 {
	m := &c.m
	facts := m.Facts[:m.N]
	s := sidesOf(m.Sense, outcome, len(facts))
	b := bucket(sum(facts), s)
	if c.find(facts, s, b) != nothing {
		return nothing
	}
	id := c.room(0, pairs, &m.NPairs, &m.NextPair)
	m.Pairs[id], m.Sides[id], m.Active[id] = m.Facts, s, 0
	c.link(id, b)
	return id
}

func (c *mind) learnPart(facts []uint16, s sides, b uint32) uint16 {
	id := c.room(pairs, common, &c.m.NParts, &c.m.Next)
	c.m.Sides[id], c.m.Active[id] = s, 0
	copy(c.m.Parts[id-pairs][:], facts)
	c.link(id, b)
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
		a := &c.m.Active[first+*next]
		if *a == 0 {
			break
		}
		*a /= 2
		if *next++; *next == size {
			*next = 0
		}
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
	c.n = 0
	if !c.m.Begun {
		return 0
	}
	selected, active := c.followAfter(nothing, mix(nothing), s, fresh)
	for i, f := range c.m.Facts[:c.m.N] {
		n, a := c.followAfter(f, c.mixes[i], s, fresh)
		selected, active = selected+n, active+a
	}
	if selected == 0 {
		return 0
	}
	return float64(active) / float64(selected)
}

// followAfter follows the contexts whose last fact is f, with any part of the value's facts.
func (c *mind) followAfter(f uint16, mix uint32, s uint8, fresh uint16) (selected, active int) {
	for left := c.m.Sense; ; left = (left - 1) & c.m.Sense {
		if last := c.watch[waiting(mix, left)]; last != nothing {
			n, a := c.followList(last, f, left, s, fresh)
			selected, active = selected+n, active+a
		}
		if left == 0 {
			return selected, active
		}
	}
}

// followList goes through a list for those that wait for f and left.
func (c *mind) followList(last, f uint16, left, s uint8, fresh uint16) (selected, active int) {
	for id, more := last, true; more; more = id != last {
		id = c.next[id]
		sd := c.m.Sides[id]
		if sd.left() != left || c.last(id) != f || id == fresh || !c.within(id, sd.n()-1) {
			continue
		}
		selected++
		if sd.right()&^s == 0 {
			active++
			c.activate(id)
		}
	}
	return selected, active
}

// within tells that the first n facts of id's left side hold.
func (c *mind) within(id uint16, n int) bool {
	if n <= 0 {
		return true
	}
	for _, f := range c.facts(id)[:n] {
		if c.place[f] == 0 {
			return false
		}
	}
	return true
}

// activate counts id's activity and keeps the most active contexts, the later of equals, the least active first.
func (c *mind) activate(id uint16) {
	a := &c.m.Active[id]
	if *a < math.MaxUint16 {
		*a++
	}
	rank := uint32(*a)<<16 | uint32(id)
	if c.n < mostFacts {
		i := c.n
		for ; i > 0 && rank < c.active[i-1]; i-- {
			c.active[i] = c.active[i-1]
		}
		c.active[i] = rank
		c.n++
		return
	}
	if rank < c.active[0] {
		return
	}
	i := 1
	for ; i < mostFacts && c.active[i] < rank; i++ {
		c.active[i-1] = c.active[i]
	}
	c.active[i-1] = rank
}

// compare learns what the left side of now has in common with those of the observed pairs with a like outcome. It
// returns how many such parts were new, and how many there were.
func (c *mind) compare(s uint8, fresh uint16) (added, uniq int) {
	var seen parts
	for id := range c.m.NPairs {
		sd := c.m.Sides[id]
		outcome := sd.right() & s
		if outcome == 0 || id == fresh {
			continue
		}
		left, places := sd.left()&c.m.Sense, c.shared(id, sd.n())
		n := bits.OnesCount16(places)
		whole := n == sd.n() && left == sd.left() && outcome == sd.right()
		if n > min(mostParts, mostShare-bits.OnesCount8(left)) || whole || n == 0 && left == 0 {
			continue // too much in common, active itself, or nothing
		}
		if !seen.torn && !seen.add(uint32(places)<<12|uint32(left)<<6|uint32(outcome)) {
			continue
		}
		a, u := c.learn(places, left, outcome, &seen)
		added, uniq = added+a, uniq+u
	}
	return added, uniq
}

// shared are the places in the left side of now that the pair id names, too, as bits.
func (c *mind) shared(id uint16, n int) uint16 {
	places := uint32(0)
	for _, f := range c.m.Pairs[id][:n] {
		places |= 1 << (c.place[f] & 31)
	}
	return uint16(places >> 1)
}

// learn makes sure that a part is known. It returns whether it was new, and whether it is the first of its place.
func (c *mind) learn(places uint16, left, outcome uint8, seen *parts) (added, uniq int) {
	var buf [mostParts]uint16
	n, h := 0, uint32(0)
	for ; places != 0; places &= places - 1 {
		i := bits.TrailingZeros16(places)
		buf[n], h = c.m.Facts[i], h+c.mixes[i]
		n++
	}
	s := sidesOf(left, outcome, n)
	b := bucket(h, s)
	id := c.find(buf[:n], s, b)
	if id == nothing {
		id, added = c.learnPart(buf[:n], s, b), 1
		seen.torn = seen.torn || seen.has(id)
	}
	if !seen.has(id) {
		seen.ids[id/64] |= 1 << (id % 64)
		uniq = 1
	}
	return added, uniq
}

// parts are the parts of one step: their keys of places, left and outcome, of which at most pairs are met, and their ids.
// It is torn when one of them has made room for another: then its key may come again.
type parts struct {
	keys [2 * pairs]uint32
	ids  [(contexts + 63) / 64]uint64
	torn bool
}

func (p *parts) has(id uint16) bool { return p.ids[id/64]>>(id%64)&1 != 0 }

// add tells whether key, which is not zero, is new.
func (p *parts) add(key uint32) bool {
	const golden = 2654435769
	for i := key * golden >> 23; ; i++ {
		switch at := &p.keys[i%(2*pairs)]; *at {
		case key:
			return false
		case 0:
			*at = key
			return true
		}
	}
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
