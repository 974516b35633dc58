package pipelines

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"plinth"
	"plinth/sensors"
)

// How many dead letters a minute are kept whole: of one device, and of all that are not registered together. What
// exceeds that is folded: one dead letter a batch tells how many there were, so that a flood is counted and cannot fill
// the table.
const (
	keptPerDevice = 100
	keptUnknown   = 1000
	quotaSpan     = time.Minute
)

// quota knows the dead letters of a minute that were kept, by source.
type quota struct {
	began time.Time
	kept  map[string]map[uint64]struct{}
	seed  maphash.Seed
}

// fate is what becomes of a message that cannot be used.
type fate int

const (
	keep fate = iota // whole
	same             // as one that was kept: the table would replace it by itself
	fold             // count it
)

func (q *quota) take(source string, limit int, l *DeadLetter, now time.Time) fate {
	if q.kept == nil || now.Sub(q.began) >= quotaSpan {
		q.began, q.kept, q.seed = now, map[string]map[uint64]struct{}{}, maphash.MakeSeed()
	}
	kept := q.kept[source]
	if kept == nil {
		kept = map[uint64]struct{}{}
		q.kept[source] = kept
	}
	id := maphash.Comparable(q.seed, [4]string{l.Source, l.Field, l.Reason, l.Payload})
	if _, there := kept[id]; there {
		return same
	}
	if len(kept) >= limit {
		return fold
	}
	kept[id] = struct{}{}
	return keep
}

// common is what messages counted together have in common.
type common struct{ source, field, reason string }

// folds count messages that are not kept whole.
type folds map[common]int64

// letters are the dead letters that tell of f, in order.
func (f folds) letters(now time.Time, run plinth.RunID, pipeline string) []DeadLetter {
	var out []DeadLetter
	for _, k := range slices.SortedFunc(maps.Keys(f), func(a, b common) int {
		return strings.Compare(a.source+a.field+a.reason, b.source+b.field+b.reason)
	}) {
		out = append(out, DeadLetter{Source: k.source, Field: k.field, Reason: k.reason, Run: run,
			Count: uint64(f[k]), Pipeline: pipeline,
			Payload: fmt.Sprintf("%d more until %s, counted and not kept", f[k], now.UTC().Format(time.RFC3339Nano))})
	}
	return out
}

// bury makes a dead letter of m's fault, or counts it when its source has too many. d is nil when nobody is registered
// under the topic; then the topic itself is anyone's invention, and all of them are one source.
func (s *Stream) bury(b *batch, d *sensors.Device, m *sensors.Message, f sensors.Fault) {
	source, limit := "plinth/v1/"+s.Domain+"/+/data", keptUnknown
	if d != nil {
		source, limit = d.Topic(), keptPerDevice
	}
	letter := DeadLetter{Source: clip(m.Topic, maxLabel), Field: clip(f.Field, maxLabel), Reason: f.Reason,
		Payload: string(m.Payload[:min(len(m.Payload), MaxDeadPayload)]), Size: uint64(max(m.Size, len(m.Payload))), Run: s.Run, Pipeline: s.Domain}
	if d != nil {
		letter.Device = d.ID
	}
	b.useless++
	switch s.poison.take(source, limit, &letter, s.Now()) {
	case keep:
		b.dead = append(b.dead, letter)
		return
	case same:
		return
	}
	if b.folded == nil {
		b.folded = folds{}
	}
	// Field and reason may quote the message: under a flood they would differ each time.
	b.folded[common{source, foldedField(f.Field), "too many messages that cannot be used"}]++
}

// foldedField is the part of a field that does not quote the message.
func foldedField(field string) string {
	name, _, _ := strings.Cut(field, ".")
	if name == "topic" || name == "at" || name == "seq" || name == "v" {
		return name
	}
	return "payload"
}
