package vitals

import (
	"cmp"
	"context"
	"slices"
	"time"

	"plinth"
	"plinth/analytics"
)

// Status says whether an indicator lives.
type Status string

// The statuses.
const (
	Current  Status = "current"
	Lagging  Status = "late"      // no value for three periods
	NoSource Status = "no_source" // never a value
	Failed   Status = "failed"    // its SQL fails
)

// State is an indicator and how it stands now.
type State struct {
	Version
	Status   Status
	Fault    string
	District *Value
	Streets  []Value // by name
}

// latePeriods is after how many periods without a value an indicator is late, and its old values say nothing any more.
const latePeriods = 3

// States returns the indicators that are not retired, in the order of the board: sector, then id.
func (k *Keeper) States(ctx context.Context) ([]State, error) {
	values, err := k.Values.Now(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string][]Value{}
	for _, v := range values {
		byID[v.Indicator] = append(byID[v.Indicator], v)
	}
	var out []State
	for _, v := range k.versions() {
		out = append(out, k.state(v, byID[v.ID]))
	}
	slices.SortStableFunc(out, func(a, b State) int {
		return cmp.Or(compareSectors(a.Sector, b.Sector), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// State returns one indicator as it stands now.
func (k *Keeper) State(ctx context.Context, id string) (State, error) {
	all, err := k.States(ctx)
	if err != nil {
		return State{}, err
	}
	i := slices.IndexFunc(all, func(s State) bool { return s.ID == id })
	if i < 0 {
		return State{}, plinth.Errorf(plinth.ErrNotFound, "there is no indicator %.64q", id)
	}
	return all[i], nil
}

func (k *Keeper) state(v Version, values []Value) State {
	k.mu.Lock()
	fault := k.faults[v.ID]
	k.mu.Unlock()
	s := State{Version: v, Status: NoSource, Fault: fault}
	old := k.Now().Add(-settle - (latePeriods+1)*time.Duration(v.Every))
	for _, x := range values {
		if x.From.Before(old) {
			x.Grade, x.Trend, x.Since = Unknown, NoTrend, time.Time{}
		}
		if x.Street == "" {
			s.District = &x
			continue
		}
		s.Streets = append(s.Streets, x)
	}
	slices.SortFunc(s.Streets, byStreet)
	switch {
	case fault != "":
		s.Status = Failed
	case s.District != nil && s.District.From.Before(old):
		s.Status = Lagging
	case s.District != nil:
		s.Status = Current
	}
	return s
}

// At returns the state's value in a place, nil when there is none.
func (s State) At(street string) *Value {
	if street == "" {
		return s.District
	}
	i := slices.IndexFunc(s.Streets, func(v Value) bool { return v.Street == street })
	if i < 0 {
		return nil
	}
	return &s.Streets[i]
}

func compareSectors(a, b string) int {
	return cmp.Or(cmp.Compare(sectorPlace(a), sectorPlace(b)), cmp.Compare(a, b))
}

func sectorPlace(id string) int {
	for i, s := range sectors {
		if s.id == id {
			return i
		}
	}
	return len(sectors)
}

// Sector is one line of the compass.
type Sector struct {
	ID        string
	Title     Text
	Grade     Grade // the worst of its indicators
	Counts    map[Grade]int
	Connected bool             // one of its indicators has had a value
	Missing   Text             // what it lacks when it is not connected
	Streets   map[string]Grade // the worst of each street
}

// Finding is one line of the check-up sheet.
type Finding struct {
	Indicator Version
	Value     Value
}

// CheckUp is the compass and the check-up sheet at a moment.
type CheckUp struct {
	At       time.Time
	Sectors  []Sector
	Streets  map[string]Grade // each street's worst over all sectors
	Grade    Grade
	Findings []Finding // the worst first, then the longest
}

// CheckUp grades the sectors and streets and lists what is off; street narrows it to one.
func (k *Keeper) CheckUp(ctx context.Context, street string) (CheckUp, error) {
	states, err := k.States(ctx)
	if err != nil {
		return CheckUp{}, err
	}
	out := CheckUp{At: k.Now(), Grade: Unknown, Streets: map[string]Grade{}}
	for _, s := range sectors {
		out.Sectors = append(out.Sectors, newSector(s.id, s.title))
	}
	for _, s := range states {
		if !s.Retired {
			out.add(s, street)
		}
	}
	slices.SortStableFunc(out.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Value.Grade, a.Value.Grade), a.Value.Since.Compare(b.Value.Since))
	})
	return out, nil
}

func (c *CheckUp) add(s State, street string) {
	i := slices.IndexFunc(c.Sectors, func(x Sector) bool { return x.ID == s.Sector })
	if i < 0 {
		i = len(c.Sectors)
		c.Sectors = append(c.Sectors, newSector(s.Sector, s.SectorTitle))
	}
	c.Sectors[i].add(s, street)
	c.Grade = max(c.Grade, c.Sectors[i].Grade)
	for _, v := range s.Streets {
		if street == "" || v.Street == street {
			raise(c.Streets, v)
		}
	}
	for _, v := range s.shown(street) {
		if v.Grade > Normal {
			c.Findings = append(c.Findings, Finding{s.Version, v})
		}
	}
}

// shown are the values of one street, or of the district and all streets.
func (s State) shown(street string) []Value {
	if street != "" {
		if v := s.At(street); v != nil {
			return []Value{*v}
		}
		return nil
	}
	if s.District == nil {
		return s.Streets
	}
	return append([]Value{*s.District}, s.Streets...)
}

func newSector(id string, title Text) Sector {
	return Sector{ID: id, Title: title, Grade: Unknown, Counts: map[Grade]int{}, Streets: map[string]Grade{}}
}

func (x *Sector) add(s State, street string) {
	g := Unknown
	if v := s.At(street); v != nil {
		g = v.Grade
	}
	x.Counts[g]++
	x.Grade = max(x.Grade, g)
	x.Connected = x.Connected || s.District != nil
	if x.Missing == (Text{}) {
		x.Missing = s.Missing
	}
	for _, v := range s.Streets {
		if street == "" || v.Street == street {
			raise(x.Streets, v)
		}
	}
}

func raise(m map[string]Grade, v Value) {
	if g, ok := m[v.Street]; !ok || v.Grade > g {
		m[v.Street] = v.Grade
	}
}

// EvidenceOf returns the rows behind a value: those of one place in the period that begins at from.
func (k *Keeper) EvidenceOf(ctx context.Context, v Version, street string, from time.Time) (analytics.Result, error) {
	from = periodOf(from, time.Duration(v.Every))
	return k.Engine.Run(ctx, filled(v.Evidence, from, from.Add(time.Duration(v.Every)), street), maxEvidence)
}

// Cells makes text of a row of evidence, in the order of its columns.
func Cells(row []any) []string { return cells(row) }
