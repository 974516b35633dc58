package detect

import "math/bits"

// learnPair puts in an observed pair and returns its id, or nothing when it was known.
func (c *mind) learnPair(outcome uint8) uint16 {
	m := &c.m
	facts := m.Facts[:m.N]
	x := contextOf(sidesOf(m.Sense, outcome, len(facts)), facts)
	facts = facts[:x.rest()]
	if c.find(x, facts) != nothing {
		return nothing
	}
	id := c.room(0, pairs, &m.NPairs, &m.NextPair)
	copy(m.Pairs[id][:], facts)
	c.put(id, x)
	return id
}

func (c *mind) learnPart(x context, rest []uint16) uint16 {
	id := c.room(pairs, common, &c.m.NParts, &c.m.Next)
	copy(c.m.Parts[id-pairs][:], rest)
	c.put(id, x)
	return id
}

func (c *mind) put(id uint16, x context) {
	c.m.Contexts[id], c.m.Active[id] = x, 0
	c.link(id)
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

// compare learns what the left side of now has in common with those of the observed pairs with a like outcome. It
// returns how many such parts were new, and how many there were.
func (c *mind) compare(s uint8, fresh uint16) (added, uniq int) {
	var seen parts
	for id := range c.m.NPairs {
		sd := c.m.Contexts[id].Sides
		outcome := sd.right() & s
		if outcome == 0 || id == fresh {
			continue
		}
		left, places := sd.left()&c.m.Sense, c.shared(id)
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
func (c *mind) shared(id uint16) uint16 {
	x, places := c.m.Contexts[id], uint32(0)
	if x.Last != nothing {
		places = 1 << (c.place[x.Last] & 31)
	}
	for _, f := range c.m.Pairs[id][:x.rest()] {
		places |= 1 << (c.place[f] & 31)
	}
	return uint16(places >> 1)
}

// learn makes sure that a part is known. It returns whether it was new, and whether it is the first of its place.
func (c *mind) learn(places uint16, left, outcome uint8, seen *parts) (added, uniq int) {
	var buf [mostParts]uint16
	n := 0
	for ; places != 0; places &= places - 1 {
		buf[n] = c.m.Facts[bits.TrailingZeros16(places)]
		n++
	}
	x := contextOf(sidesOf(left, outcome, n), buf[:n])
	rest := buf[:x.rest()]
	id := c.find(x, rest)
	if id == nothing {
		id, added = c.learnPart(x, rest), 1
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
