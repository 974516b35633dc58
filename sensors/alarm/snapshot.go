package alarm

import (
	"context"
	"slices"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

// DeviceState is what the detectors of a device have learnt.
type DeviceState struct {
	Device plinth.DeviceID
	Pack   string
	RX     time.Time
	State  []byte
}

// States keeps snapshots of detectors; they are durable when SaveStates returns. A snapshot may be older than the rows,
// never newer: what came after it is read again from the rows.
type States interface {
	// TakePart begins a new epoch of a part. It returns the newest rx that was noted for it, at first that of now; when the
	// domain was split otherwise before, the oldest that was noted for its parts.
	TakePart(ctx context.Context, p sensors.Part) (epoch int64, rx time.Time, err error)
	// SaveStates replaces the states of these devices of a part, and unless rx is zero notes that rows inserted before it
	// are in the states of all its devices. ErrConflict: a newer epoch has begun, so the part is somebody else's.
	SaveStates(ctx context.Context, p sensors.Part, epoch int64, all []DeviceState, rx time.Time) error
	// LoadStates calls each for every state of a device of a domain.
	LoadStates(ctx context.Context, domain string, each func(DeviceState)) error
}

// saved is a device's state as it is stored, in JSON.
type saved struct {
	Seq     uint64      `json:"seq"`
	At      time.Time   `json:"at"`
	Metrics []string    `json:"metrics,omitempty"`
	Gaps    int         `json:"gaps,omitempty"`
	Rules   []savedRule `json:"rules"`
}

type savedRule struct {
	Name     string       `json:"name"`
	Detector string       `json:"detector"`
	Now      savedVerdict `json:"now"`
	Excused  bool         `json:"excused,omitempty"`
	State    []byte       `json:"state"`
}

// savedVerdict is a verdict whose grade is a number: in packs it is a word.
type savedVerdict struct {
	Grade uint8             `json:"grade"`
	Since time.Time         `json:"since"`
	At    time.Time         `json:"at"`
	Score float64           `json:"score"`
	Rows  []detect.Ref      `json:"rows,omitempty"`
	Facts map[string]string `json:"facts,omitempty"`
}

func saving(v detect.Verdict) savedVerdict {
	return savedVerdict{uint8(v.Grade), v.Since, v.At, v.Score, v.Rows, v.Facts}
}

func (v savedVerdict) verdict() detect.Verdict {
	return detect.Verdict{Grade: detect.Grade(v.Grade), Since: v.Since, At: v.At, Score: v.Score, Rows: v.Rows, Facts: v.Facts}
}

func (w *watch) snapshot() saved {
	s := saved{Seq: w.seq, At: w.at, Metrics: slices.Clone(w.metrics), Gaps: w.gaps}
	for _, r := range w.rules {
		s.Rules = append(s.Rules, savedRule{r.rule.Name, r.rule.Detector, saving(r.now), r.excused,
			r.detect.AppendState(nil)})
	}
	return s
}

// inherit goes on from a snapshot. A rule whose state does not fit any more begins anew.
func (w *watch) inherit(s saved) {
	w.seq, w.at, w.metrics, w.gaps = s.Seq, s.At, s.Metrics, s.Gaps
	w.seen[0], w.n = moment{s.At.UnixMilli(), s.Seq}, 1
	for i, r := range w.rules {
		k := slices.IndexFunc(s.Rules, func(x savedRule) bool { return x.Name == r.rule.Name && x.Detector == r.rule.Detector })
		if k < 0 {
			continue
		}
		if r.detect.SetState(s.Rules[k].State) != nil {
			w.anew(i)
			continue
		}
		r.now, r.excused = s.Rules[k].Now.verdict(), s.Rules[k].Excused
	}
}

// anew lets a rule begin without knowledge.
func (w *watch) anew(i int) {
	if det, err := w.rules[i].rule.Watch(w.d); err == nil {
		w.rules[i] = &ruleWatch{rule: w.rules[i].rule, detect: det}
	}
}

// bounded is a snapshot of at most detect.MaxState bytes of detectors' state for each of the device's metrics. Detectors
// that have outgrown that begin anew, the largest first; their rules are named.
func (w *watch) bounded() (s saved, outgrown []string) {
	for {
		s = w.snapshot()
		sum, largest := 0, 0
		for i := range s.Rules {
			sum += len(s.Rules[i].State)
			if len(s.Rules[i].State) > len(s.Rules[largest].State) {
				largest = i
			}
		}
		if sum <= detect.MaxState*max(1, len(w.d.Metrics)) || len(outgrown) > len(w.rules) {
			return s, outgrown
		}
		outgrown = append(outgrown, s.Rules[largest].Name)
		w.anew(largest)
	}
}
