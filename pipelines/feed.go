package pipelines

import (
	"sync"
	"time"

	"plinth"
	"plinth/sensors"
)

// Feed shows what happens to those who look: it is for eyes, not for the record. A slow looker loses news and is told
// so, it never holds up the stream.
type Feed struct {
	mu      sync.Mutex
	lookers map[*Looker]struct{}
	second  time.Time
	shown   int
	now     func() time.Time
}

// News is one thing to show. Data is a value for JSON.
type News struct {
	Event string // "reading", "ingest", "alert"
	Data  any
}

// Looker receives news until it is closed.
type Looker struct {
	C      <-chan News
	c      chan News
	feed   *Feed
	device plinth.DeviceID // "" looks at a sample of all readings
	lost   int
}

// Bounds of what is shown: a console cannot draw more, and a looker holds no more.
const (
	shownPerSecond = 50
	lookerBuffer   = 256
)

// NewFeed returns a Feed that nobody looks at.
func NewFeed(now func() time.Time) *Feed {
	return &Feed{lookers: map[*Looker]struct{}{}, now: now}
}

// Look adds a looker; the caller closes it. Of readings it sees a sample, or every one of a device when that is named.
func (f *Feed) Look(device plinth.DeviceID) *Looker {
	c := make(chan News, lookerBuffer)
	l := &Looker{C: c, c: c, feed: f, device: device}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookers[l] = struct{}{}
	return l
}

// Close ends the looking.
func (l *Looker) Close() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	delete(l.feed.lookers, l)
}

// Lost returns how much the looker has missed since it last asked.
func (l *Looker) Lost() int {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	n := l.lost
	l.lost = 0
	return n
}

// Publish shows n to all who look now.
func (f *Feed) Publish(n News) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.publish(n)
}

func (f *Feed) publish(n News) {
	for l := range f.lookers {
		l.show(n)
	}
}

// show hands n over; the caller holds the feed's lock.
func (l *Looker) show(n News) {
	select {
	case l.c <- n:
	default:
		l.lost++
	}
}

// Shown is a reading as the feed shows it.
type Shown struct {
	Device string    `json:"device"`
	Metric string    `json:"metric"`
	At     time.Time `json:"at"`
	Value  float64   `json:"value"`
	Flags  []string  `json:"flags,omitempty"`
}

// Show shows readings that another member stored.
func (f *Feed) Show(rows []sensors.Reading) { f.readings(rows) }

// readings shows a sample of rows, spread over the batch; flagged ones first, since they are what one looks for.
func (f *Feed) readings(rows []sensors.Reading) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.lookers) == 0 {
		return
	}
	for l := range f.lookers {
		if l.device != "" {
			l.readings(rows)
		}
	}
	left := f.allowance()
	for _, flagged := range []bool{true, false} {
		step := 1
		if !flagged && left > 0 {
			step = max(1, len(rows)/left)
		}
		for i := 0; i < len(rows) && left > 0; i += step {
			if r := rows[i]; (r.Flags != 0) == flagged {
				f.sample(r)
				left--
				f.shown++
			}
		}
	}
}

// sample shows a reading to those who look at all devices.
func (f *Feed) sample(r sensors.Reading) {
	n := shown(r)
	for l := range f.lookers {
		if l.device == "" {
			l.show(n)
		}
	}
}

// readings shows the rows of the looker's device.
func (l *Looker) readings(rows []sensors.Reading) {
	for _, r := range rows {
		if r.Device == l.device {
			l.show(shown(r))
		}
	}
}

func shown(r sensors.Reading) News {
	return News{"reading", Shown{string(r.Device), r.Metric, r.At, r.Value, r.Flags.Names()}}
}

func (f *Feed) allowance() int {
	if second := f.now().Truncate(time.Second); second != f.second {
		f.second, f.shown = second, 0
	}
	return max(0, shownPerSecond-f.shown)
}

// Rate is what one domain took in during the last second.
type Rate struct {
	Domain  string  `json:"domain"`
	Rows    int64   `json:"rows"`
	Dead    int64   `json:"dead"`
	Retries int64   `json:"retries"`
	Total   int64   `json:"total"`
	InsertM float64 `json:"insertMs"`
}

// Rates returns what shows by how much m has grown since it was called before. It is to be called every second.
func (f *Feed) Rates(m *Meter) (show func()) {
	before := map[string]Counts{}
	return func() {
		rates := []Rate{}
		for _, c := range m.Counts() {
			b := before[c.Domain]
			rates = append(rates, Rate{c.Domain, c.Rows - b.Rows, c.Dead - b.Dead, c.Retries - b.Retries, c.Rows,
				float64(c.Last.Microseconds()) / 1000})
			before[c.Domain] = c
		}
		f.Publish(News{"ingest", map[string]any{"at": f.now().UTC(), "domains": rates}})
	}
}
