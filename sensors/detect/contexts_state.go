package detect

import "plinth"

// append writes only what is filled, so that a young detector's state is small.
func (m *memory) append(b []byte) []byte {
	from := len(b)
	b = appendState(b, "contexts", m.counts())
	for id := range m.NPairs {
		b = m.appendContext(b, id)
	}
	for i := range m.NParts {
		b = m.appendContext(b, pairs+i)
	}
	return seal(b, from)
}

type counts struct {
	NPairs, NParts, NextPair, Next uint16
	Facts                          [mostFacts]uint16
	N, Sense                       uint8
	Begun                          bool
	SinceStrange                   int32
}

func (m *memory) counts() *counts {
	return &counts{m.NPairs, m.NParts, m.NextPair, m.Next, m.Facts, m.N, m.Sense, m.Begun, m.SinceStrange}
}

// appendContext appends the sides, the activity and the left facts.
func (m *memory) appendContext(b []byte, id uint16) []byte {
	x, a := m.Contexts[id], m.Active[id]
	b = append(b, byte(x.Sides), byte(x.Sides>>8), byte(a), byte(a>>8))
	for _, f := range m.rest(id) {
		b = append(b, byte(f), byte(f>>8))
	}
	if x.Last != nothing {
		b = append(b, byte(x.Last), byte(x.Last>>8))
	}
	return b
}

// set reads what append wrote and checks every number that is used as an index.
func (c *mind) set(b []byte) error {
	var n counts
	b, whole := unseal(b)
	if !whole {
		return spoilt()
	}
	head := len(appendState(nil, "contexts", &n))
	if err := setState(b[:min(len(b), head)], "contexts", &n); err != nil {
		return err
	}
	if n.NPairs > pairs || n.NParts > common || n.NextPair >= pairs || n.Next >= common || n.N > mostFacts || n.Sense >= 1<<(2*valueBits) || !known(n.Facts[:n.N]) {
		return spoilt()
	}
	m := &c.m
	m.NPairs, m.NParts, m.NextPair, m.Next = n.NPairs, n.NParts, n.NextPair, n.Next
	m.Facts, m.N, m.Sense, m.Begun, m.SinceStrange = n.Facts, n.N, n.Sense, n.Begun, n.SinceStrange
	b = b[head:]
	ok := true
	for id := range m.NPairs {
		b, ok = m.takeContext(b, ok, id, mostFacts)
	}
	for i := range m.NParts {
		b, ok = m.takeContext(b, ok, pairs+i, mostParts)
	}
	if !ok || len(b) != 0 {
		return spoilt()
	}
	c.reindex()
	return nil
}

// takeContext takes what appendContext appended, with so many left facts at most.
func (m *memory) takeContext(b []byte, ok bool, id uint16, most int) ([]byte, bool) {
	if !ok || len(b) < 4 {
		return nil, false
	}
	s := sides(b[0]) | sides(b[1])<<8
	m.Active[id] = uint16(b[2]) | uint16(b[3])<<8
	n := s.n()
	if n > most || len(b) < 4+2*n {
		return nil, false
	}
	var facts [mostFacts]uint16
	for i := range n {
		facts[i] = uint16(b[4+2*i]) | uint16(b[5+2*i])<<8
	}
	m.Contexts[id] = contextOf(s, facts[:n])
	copy(m.rest(id), facts[:])
	return b[4+2*n:], known(facts[:n])
}

func known(facts []uint16) bool {
	for _, f := range facts {
		if f >= contexts {
			return false
		}
	}
	return true
}

func spoilt() error { return plinth.Invalid("state", "the detector's contexts are spoilt") }
