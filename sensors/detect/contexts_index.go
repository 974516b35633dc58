package detect

import "slices"

// Contexts are found by what they wait for: the last fact and the value's facts on the left. Those that wait for the same
// are a ring, known by its last.

// reindex builds the index from the memory.
func (c *mind) reindex() {
	for id := range c.m.NPairs {
		c.link(id)
	}
	for i := range c.m.NParts {
		c.link(pairs + i)
	}
	c.arrange()
}

// arrange makes the left side's facts quick to find.
func (c *mind) arrange() {
	for i, f := range c.m.Facts[:c.m.N] {
		c.place[f] = uint8(i + 1)
	}
}

// waiting is the place in watch for a last fact and the value's facts on the left.
func waiting(last uint16, left uint8) uint32 {
	x := (uint32(last) + 1) * 2654435769
	return ((x^x>>15)*2246822519 + uint32(left)*2654435769) >> (32 - watchBits)
}

// waits is the list in which x waits.
func (c *mind) waits(x context) *uint16 { return &c.watch[waiting(x.Last, x.Sides.left())] }

// find is the context x with these left facts before its last, or nothing.
func (c *mind) find(x context, rest []uint16) uint16 {
	last := *c.waits(x)
	for id, more := last, last != nothing; more; more = id != last {
		id = c.next[id]
		if c.m.Contexts[id] == x && slices.Equal(c.m.rest(id), rest) {
			return id
		}
	}
	return nothing
}

// link puts id at the end of its list.
func (c *mind) link(id uint16) {
	last := c.waits(c.m.Contexts[id])
	if *last == nothing {
		*last, c.next[id] = id, id
	}
	first := c.next[*last]
	c.next[*last], c.next[id] = id, first
	c.prev[id], c.prev[first] = *last, id
	*last = id
}

func (c *mind) unlink(id uint16) {
	last, prev, next := c.waits(c.m.Contexts[id]), c.prev[id], c.next[id]
	c.next[prev], c.prev[next] = next, prev
	switch {
	case prev == id:
		*last = nothing
	case *last == id:
		*last = prev
	}
}
