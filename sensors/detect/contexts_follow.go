package detect

import "math"

// follow finds the contexts whose left side was there and makes those active whose outcome came. It returns their share.
func (c *mind) follow(s uint8, fresh uint16) float64 {
	c.n = 0
	if !c.m.Begun {
		return 0
	}
	selected, active := c.followAfter(nothing, s, fresh)
	for _, f := range c.m.Facts[:c.m.N] {
		n, a := c.followAfter(f, s, fresh)
		selected, active = selected+n, active+a
	}
	if selected == 0 {
		return 0
	}
	return float64(active) / float64(selected)
}

// followAfter follows the contexts whose last fact is f, with any part of the value's facts.
func (c *mind) followAfter(f uint16, s uint8, fresh uint16) (selected, active int) {
	for left := c.m.Sense; ; left = (left - 1) & c.m.Sense {
		if last := c.watch[waiting(f, left)]; last != nothing {
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
		x := c.m.Contexts[id]
		if x.Last != f || x.Sides.left() != left || id == fresh || !c.hold(c.m.rest(id)) {
			continue
		}
		selected++
		if x.Sides.right()&^s == 0 {
			active++
			c.activate(id)
		}
	}
	return selected, active
}

// hold tells that all these facts are on the left side of now.
func (c *mind) hold(facts []uint16) bool {
	for _, f := range facts {
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
