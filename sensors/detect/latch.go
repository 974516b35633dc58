package detect

import (
	"time"

	"plinth"
)

// latch turns a condition that comes and goes into an alarm: a grade is raised when its condition has lasted for hold,
// and is over when it has been absent for calm. It keeps the newest samples as evidence.
type latch struct {
	Told   Grade
	Since  int64       // when the alarm's condition began; zero when there is none
	Levels [3]struct { // by grade, notice first
		On         bool
		Begin, End int64 // since when the condition holds, and since when a raised grade's condition is absent; or zero
	}
	Kept uint32 // samples ever kept
	Rows [MaxRows]row
}

type row struct {
	Metric uint8
	At     int64
	Seq    uint64
}

func (l *latch) keep(s Sample) {
	l.Rows[l.Kept%MaxRows] = row{uint8(s.Metric), millis(s.At), s.Seq}
	l.Kept++
}

// step tells that at this time the condition of all grades to up holds, and that of all above keep is absent; between
// them is hysteresis. It reports whether the grade changed.
func (l *latch) step(at int64, up, keep Grade, hold, calm time.Duration) bool {
	top := None
	for i := range l.Levels {
		g, lv := Grade(i+1), &l.Levels[i]
		switch {
		case g <= up:
			lv.End = 0
			if lv.Begin == 0 {
				lv.Begin = at
			}
			lv.On = lv.On || at-lv.Begin >= hold.Milliseconds()
		case !lv.On:
			lv.Begin = 0
		case g <= keep:
			lv.End = 0
		default:
			if lv.End == 0 {
				lv.End = at
			}
			if at-lv.End >= calm.Milliseconds() {
				lv.On, lv.Begin, lv.End = false, 0, 0
			}
		}
		if lv.On {
			top = g
		}
	}
	return l.tell(top)
}

func (l *latch) tell(top Grade) bool {
	if top == l.Told {
		return false
	}
	if l.Told == None {
		l.Since = l.begun()
	}
	l.Told = top
	return true
}

// begun is when the first of the grades that are on began.
func (l *latch) begun() int64 {
	var first int64
	for _, lv := range l.Levels {
		if lv.On && (first == 0 || lv.Begin < first) {
			first = lv.Begin
		}
	}
	return first
}

// forget drops what has not lasted for its hold yet: silence does not count as lasting.
func (l *latch) forget() {
	for i := range l.Levels {
		if !l.Levels[i].On {
			l.Levels[i].Begin = 0
		}
	}
}

// verdict is the latch's view; the facts are added by the detector.
func (l *latch) verdict(at int64, score float64, metrics []string, facts map[string]string) Verdict {
	v := Verdict{Grade: l.Told, Since: instant(l.Since), At: instant(at), Score: score, Facts: facts}
	for i := max(l.Kept, MaxRows) - MaxRows; i < l.Kept; i++ {
		r := l.Rows[i%MaxRows]
		v.Rows = append(v.Rows, Ref{metrics[r.Metric], instant(r.At), r.Seq})
	}
	return v
}

// Lasting says for how long a condition must hold before it is told, and be absent before it is over.
type Lasting struct {
	Hold time.Duration `yaml:"hold"` // default: none, the first sample is enough
	Calm time.Duration `yaml:"calm"` // default: as Hold
}

const maxLasting = 31 * 24 * time.Hour

func (l Lasting) validate() error {
	switch {
	case l.Hold < 0 || l.Hold > maxLasting:
		return plinth.Invalid("hold", "the hold time is 0 to 31 days, is %s", l.Hold)
	case l.Calm < 0 || l.Calm > maxLasting:
		return plinth.Invalid("calm", "the calm time is 0 to 31 days, is %s", l.Calm)
	}
	return nil
}

func (l Lasting) calm() time.Duration {
	if l.Calm == 0 {
		return l.Hold
	}
	return l.Calm
}
