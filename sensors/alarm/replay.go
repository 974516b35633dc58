package alarm

import (
	"cmp"
	"slices"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/pack"
)

// Packs knows the pack of a kind of device; nil when there is none.
type Packs interface {
	Of(kind string) *pack.Pack
}

// Replay decides on rows, in order of time per device, as the service would have had they come like this. It is pure:
// the same rows give the same decisions. Detectors begin without knowledge; silence is seen when the next row ends it.
// excuse may be nil: then no permit excuses anything.
func Replay(packs Packs, devices []*sensors.Device, rows []sensors.Reading, excuse Excuse) []Decision {
	watches := map[plinth.DeviceID]*watch{}
	for _, d := range devices {
		if p := packs.Of(d.Kind); p != nil {
			watches[d.ID] = newWatch(d, p)
		}
	}
	var out []Decision
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Device == rows[0].Device && rows[n].At.Equal(rows[0].At) && rows[n].Seq == rows[0].Seq {
			n++
		}
		if w := watches[rows[0].Device]; w != nil {
			out = append(out, w.replay(rows[:n], excuse)...)
		}
		rows = rows[n:]
	}
	return out
}

// replay feeds stored rows of one moment. What is older than what was fed is known already, by this or by the snapshot
// from which the watch goes on.
func (w *watch) replay(rs []sensors.Reading, excuse Excuse) []Decision {
	rs = w.fresh(rs)
	if len(rs) == 0 || rs[0].Flags&sensors.Clock != 0 || !w.at.IsZero() && rs[0].At.Before(w.at) {
		return nil
	}
	first := rs[0]
	var ds []Decision
	if !w.at.IsZero() && first.At.Sub(w.at) > time.Minute {
		ds = w.tick(first.At, excuse)
	}
	return append(ds, w.feed(rs, excuse)...)
}

// byMoment puts rows in order of time and cuts them into messages.
func byMoment(rows []sensors.Reading) [][]sensors.Reading {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b sensors.Reading) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
	var out [][]sensors.Reading
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].At.Equal(rows[0].At) && rows[n].Seq == rows[0].Seq {
			n++
		}
		out = append(out, rows[:n])
		rows = rows[n:]
	}
	return out
}
