package analytics

import (
	"container/list"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"plinth"
)

// Fusion assigns events to incidents, one after the other: each joins the nearest incident or opens one. It compares
// with incidents, never with members, and never joins two incidents, so one odd report cannot chain matters together.
// An incident's id follows from its first event and never changes. Not safe for concurrent use.
//
// The same events in the same order give the same incidents.
type Fusion struct {
	table  *Weights
	index  index
	byID   map[plinth.IncidentID]*list.Element
	recent *list.List // of *summary, least recently touched first
	opened int
	limit  int
}

// DefaultOpen is how many incidents stay in memory; beyond it the least recently touched is closed for good.
const DefaultOpen = 20_000

// NewFusion returns a Fusion without incidents.
func NewFusion(t *Weights) *Fusion {
	return &Fusion{table: t, index: index{byKey: map[string][]*summary{}}, byID: map[plinth.IncidentID]*list.Element{},
		recent: list.New(), limit: DefaultOpen}
}

// Assign decides where an event belongs, remembers it, and returns the step for the log; N and At are the caller's.
func (f *Fusion) Assign(e Event) Step {
	p := prepare(e)
	best, score, weights := f.best(&p)
	s := Step{Op: Attach, Event: e, Score: score, Weights: weights, Table: f.table.Version}
	if best == nil || score < f.table.Attach {
		best, s.Op = f.open(incidentID(e)), Open
	}
	s.Incident = best.id
	f.join(best, &p)
	return s
}

// Replay takes a step from the log as decided.
func (f *Fusion) Replay(s Step) {
	p := prepare(s.Event)
	if at, ok := f.byID[s.Incident]; ok {
		f.join(at.Value.(*summary), &p)
		return
	}
	f.join(f.open(s.Incident), &p)
}

// best returns the candidate of the highest score, the earliest opened of equals.
func (f *Fusion) best(e *prepared) (best *summary, score float64, weights []Weight) {
	var cheap [4]finding
	var text finding
	for _, s := range f.index.candidates(e, map[*summary]bool{}) {
		found, given := compareCheap(e, s)
		sum := f.table.Prior
		for i := range found {
			sum += f.table.weight(&found[i])
		}
		if most := sum + f.table.best[[2]string{featText, given}]; most < f.table.Attach || best != nil && most < score {
			continue // the best of texts could not save it
		}
		t := compareText(e, s, given)
		sum += f.table.weight(&t)
		if best == nil || sum > score || sum == score && s.order < best.order {
			best, score, cheap, text = s, sum, found, t
		}
	}
	if best == nil {
		return nil, 0, nil
	}
	return best, score, f.explain(append(cheap[:], text))
}

func (f *Fusion) explain(found []finding) []Weight {
	var out []Weight
	for _, x := range found {
		if x.level != unknown {
			out = append(out, Weight{x.feature, x.observed(), f.table.weight(&x)})
		}
	}
	return append(out, Weight{"prior", "any candidate", f.table.Prior})
}

func (f *Fusion) open(id plinth.IncidentID) *summary {
	f.opened++
	s := &summary{id: id, order: f.opened}
	f.byID[id] = f.recent.PushBack(s)
	for len(f.byID) > f.limit {
		oldest := f.recent.Remove(f.recent.Front()).(*summary)
		delete(f.byID, oldest.id)
		f.index.remove(oldest)
	}
	return s
}

func (f *Fusion) join(s *summary, e *prepared) {
	s.add(e)
	f.recent.MoveToBack(f.byID[s.id])
	if s.size <= maxHeard {
		f.index.insert(s, keysOf(e))
	}
}

// Size is the number of incidents in memory.
func (f *Fusion) Size() int { return len(f.byID) }

// incidentID names the incident that an event opens. It follows from the event, so that a decision made again after a
// crash gives the same name.
func incidentID(e Event) plinth.IncidentID {
	sum := sha256.Sum256([]byte("incident\x00" + e.ID() + "\x00" + e.At.UTC().Format(time.RFC3339Nano)))
	return plinth.IncidentID("in_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])))
}
