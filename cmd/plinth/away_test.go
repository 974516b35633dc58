package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"plinth/internal/clickhouse"
)

// The bounds of a time without ClickHouse.
const (
	awayMemory = 512 << 20 // bytes that one of our processes may have
	awayRatio  = 2         // what is stored a second while it catches up, over what is published
)

var (
	awayBriefLoad = siegeLoad{devices: 10, pack: 20, pause: 200 * time.Millisecond, step: 200 * time.Millisecond, ago: 6 * time.Hour}
	awayLoad      = siegeLoad{devices: 50, pack: 20, pause: 200 * time.Millisecond, step: 10 * time.Millisecond}
)

// TestWhileClickHouseIsAwayTheBrokerHoldsWhatDevicesPublish keeps ClickHouse away while devices go on: nothing is
// acknowledged to the broker, memory is bounded, and afterwards all is stored, faster than it comes.
func TestWhileClickHouseIsAwayTheBrokerHoldsWhatDevicesPublish(t *testing.T) {
	o := newSiege(t, awayBriefLoad).away(t, 15*time.Second)
	t.Logf("%+v", o)
	if o.Held == 0 || o.Acked == 0 {
		t.Errorf("%d readings came while ClickHouse was away, %d in all: this shows nothing", o.Held, o.Acked)
	}
	if o.False != 0 {
		t.Errorf("%d messages were acknowledged while ClickHouse was away", o.False)
	}
	if o.Peak > awayMemory {
		t.Errorf("a process had %d MiB in memory, want %d at most", o.Peak>>20, awayMemory>>20)
	}
	if o.Ratio < awayRatio {
		t.Errorf("%.1f readings were stored for each that came while it caught up, want %d", o.Ratio, awayRatio)
	}
	if o.wrong() {
		t.Errorf("%+v", o.siegeOutcome)
	}
}

// BenchmarkAway is the same for bench: ten minutes at 5,000 readings a second.
func BenchmarkAway(b *testing.B) {
	s := newSiege(b, awayLoad)
	b.ResetTimer()
	for range b.N {
		o := s.away(b, 10*time.Minute)
		b.ReportMetric(float64(o.Held), "held")
		b.ReportMetric(float64(o.Peak)/(1<<20), "MiB")
		b.ReportMetric(float64(o.False), "false-acks")
		b.ReportMetric(o.Ratio, "catch-up")
		b.ReportMetric(o.CaughtUp.Seconds(), "catch-up-s")
		b.ReportMetric(float64(o.Lost), "lost")
		b.ReportMetric(float64(o.Doubled+o.Altered), "doubled")
		b.ReportMetric(float64(o.Unproven+o.Repeated), "unproven")
	}
}

// awayOutcome is what came of a time without ClickHouse.
type awayOutcome struct {
	siegeOutcome
	Held     int64         // readings that the broker took from devices meanwhile
	False    int64         // messages that were acknowledged to the broker meanwhile
	Peak     int64         // bytes that one of our processes had in memory at most, from its start to the end
	CaughtUp time.Duration // from ClickHouse's return until what devices publish was stored as it came
	Ratio    float64       // readings stored in that time, over those published in it
}

// away publishes, keeps ClickHouse away for a time, lets everything catch up and judges what is stored.
func (s *siege) away(t testing.TB, d time.Duration) (o awayOutcome) {
	t.Helper()
	ch, _ := s.engines(t, t.Context())
	stop := s.feed()
	awaitSiege(t, "the first rows", func() error {
		_, n, err := s.stored(t.Context(), ch, time.Now())
		if err == nil && n == 0 {
			err = fmt.Errorf("nothing is stored")
		}
		return err
	})
	back := s.ban(t)
	gone, held, acknowledged := time.Now(), s.acked(), s.acknowledged(t)
	time.Sleep(d) // ClickHouse is away for a time, there is nothing else to wait for
	o.Held, o.False = s.acked()-held, s.acknowledged(t)-acknowledged
	back()
	o.CaughtUp, o.Ratio = s.catchUp(t, ch, gone, 2*d+3*time.Minute)
	if s.acknowledged(t) == acknowledged {
		t.Fatal("no message was acknowledged although all is stored: what is counted is not what is acknowledged")
	}
	o.Peak = s.most(t)
	s.awaitPace(t)
	stop()
	o.siegeOutcome = s.judge(t)
	return o
}

// ban kills ClickHouse and keeps it from starting: it refuses a file of its password that others may read. It returns when
// each of our processes has seen that it is gone; back lets the next start succeed and returns when each sees it again.
func (s *siege) ban(t testing.TB) (back func()) {
	t.Helper()
	secret := filepath.Join(s.house.data, "clickhouse", "password")
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	signalEngine(t, s.house.data, "clickhouse", syscall.SIGKILL)
	s.awaitEngine(t, "clickhouse", false)
	return func() {
		if err := os.Chmod(secret, 0o600); err != nil {
			t.Fatal(err)
		}
		s.awaitEngine(t, "clickhouse", true)
	}
}

// awaitEngine waits until each of our processes says that an engine serves, or that it does not.
func (s *siege) awaitEngine(t testing.TB, engine string, serves bool) {
	t.Helper()
	for _, p := range s.processes() {
		awaitSiege(t, engine, func() error {
			_, answer, err := newRunning(p.url, "", "").call("", http.MethodGet, "/readyz", nil)
			if err != nil {
				return err
			}
			var said struct {
				Engines []struct {
					Name  string
					Ready bool
				}
			}
			if err := json.Unmarshal(answer, &said); err != nil {
				return err
			}
			for _, e := range said.Engines {
				if e.Name == engine && e.Ready == serves {
					return nil
				}
			}
			return fmt.Errorf("%s says %s", p.args[1], answer)
		})
	}
}

// catchUp waits until all that was published up to three seconds ago is stored. It returns how long that took and how many
// readings were stored in that time for each that was published.
func (s *siege) catchUp(t testing.TB, ch *clickhouse.DB, gone time.Time, within time.Duration) (took time.Duration, ratio float64) {
	t.Helper()
	began, published := time.Now(), s.acked()
	slack := 3 * int64(time.Second/s.pause) * int64(s.devices*s.pack)
	awaitWithin(t, "the backlog", within, func() error {
		before, now, err := s.stored(t.Context(), ch, gone)
		if err != nil {
			return err
		}
		took, ratio = time.Since(began), float64(now-before)/float64(s.acked()-published)
		if late := s.acked() - now; late > slack {
			time.Sleep(time.Second) // asking has the store count all rows, which slows what it is asked about
			return fmt.Errorf("%d readings are not stored", late)
		}
		return nil
	})
	return took, ratio
}

// awaitPace waits until the service tells of all who take messages in, together, that they store what devices publish. It
// works a part or two of four itself.
func (s *siege) awaitPace(t testing.TB) {
	t.Helper()
	published := float64(s.devices*s.pack) / s.pause.Seconds()
	awaitSiege(t, "the pace of all members", func() error {
		status, answer, err := s.house.as("operator", http.MethodGet, "/v1/pipelines/construction_noise", nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %.300s %w", status, answer, err)
		}
		said, err := pick(answer, "figures.rowsPerS")
		if err != nil {
			return err
		}
		pace, err := strconv.ParseFloat(said, 64)
		if err == nil && pace < 0.75*published {
			err = fmt.Errorf("%.0f rows/s are told, %.0f are published", pace, published)
		}
		return err
	})
}

// stored is how many of the readings are in the store, and how many of those were before a moment.
func (s *siege) stored(ctx context.Context, ch *clickhouse.DB, moment time.Time) (before, now int64, err error) {
	var b, n uint64
	err = ch.QueryRow(ctx, `SELECT sum(b), sum(n) FROM (SELECT uniqExactIf(seq, rx < fromUnixTimestamp64Milli({moment:Int64})) AS b, uniqExact(seq) AS n
		FROM plinth.reading WHERE metric = 'leq' GROUP BY device)`, clickhouse.Param("moment", moment.UnixMilli())).Scan(&b, &n)
	return int64(b), int64(n), err
}

// acknowledged is how many messages our processes have acknowledged to the broker since they started.
func (s *siege) acknowledged(t testing.TB) (n int64) {
	t.Helper()
	for _, p := range s.processes() {
		n += s.figure(t, p, "plinth_stream_messages_total")
	}
	return n
}

// most is the most memory that one of our processes had since it started, in bytes.
func (s *siege) most(t testing.TB) (bytes int64) {
	t.Helper()
	for _, p := range s.processes() {
		bytes = max(bytes, p.memory(t))
	}
	return bytes
}

func (s *siege) processes() []*siegeProcess {
	return append([]*siegeProcess{s.service}, s.members[:]...)
}

// figure is the sum of a figure over its labels, as the process shows it to Prometheus.
func (s *siege) figure(t testing.TB, p *siegeProcess, name string) (sum int64) {
	t.Helper()
	token, err := s.house.signIn("operator")
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := newRunning(p.url, "", "").call(token, http.MethodGet, "/metrics", nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("metrics of %s: %d %.300s %v", p.args[1], status, answer, err)
	}
	lines := bufio.NewScanner(bytes.NewReader(answer))
	for lines.Scan() {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if label, _, _ := strings.Cut(series, "{"); label != name {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		sum += int64(v)
	}
	return sum
}
