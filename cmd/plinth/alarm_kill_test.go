package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
)

// TestAnAlarmOutlivesWhoeverDecidesOnIt kills the processes that decide on a lift's readings at the worst moments.
func TestAnAlarmOutlivesWhoeverDecidesOnIt(t *testing.T) {
	s := openSiege(t)
	ch, pg := s.engines(t, t.Context())
	t.Run("kills", func(t *testing.T) { testAlarmKills(t, s, s.lift(t, "siege-killed", ch, pg)) })
	t.Run("hand-over", func(t *testing.T) { testAlarmHandOver(t, s, s.lift(t, "siege-handed", ch, pg)) })
}

// testAlarmKills kills the service when an alarm is decided and its rows are not stored, when rows are stored and the
// decision on them is not told, when an alarm is open, and when late rows that refute it were taken.
func testAlarmKills(t *testing.T, s *siege, l *siegeLift) {
	l.say(t, -600*time.Second, shutIn)
	s.dieUnstored(t, func() { l.say(t, -530*time.Second, shutIn) })
	l.await(t, "open")
	s.dieUntold(t, l, -500*time.Second, letOut)
	l.await(t, "ended")
	l.say(t, -400*time.Second, shutIn)
	s.dieUntold(t, l, -330*time.Second, shutIn)
	l.await(t, "ended", "open")
	s.service.kill()
	s.service.start(t)
	l.sayLate(t, -370*time.Second)
	s.service.kill()
	s.service.start(t)
	l.await(t, "ended", "withdrawn")

	alarms := l.onDesk(t)
	wantAlarm(t, alarms[0], "open", "raised", "ended")
	wantAlarm(t, alarms[1], "withdrawn", "raised", "withdrawn")
	l.awaitEvent(t, alarms[1].ID)
}

// testAlarmHandOver has whoever works the lifts stand still beyond its lease, with an alarm open; the other one ends it and
// raises the next, which is open when the parts are dealt out again. Then whoever works the lifts is killed.
func testAlarmHandOver(t *testing.T, s *siege, l *siegeLift) {
	l.say(t, -600*time.Second, shutIn)
	l.say(t, -530*time.Second, shutIn)
	l.await(t, "open")
	s.members[0] = s.enlist(t, "member-0")
	awaitSiege(t, "a share for the member", func() error { return l.works(t, "member-0") })

	first := l.holder(t)
	still := s.processOf(first)
	still.signal(t, syscall.SIGSTOP)
	second := l.awaitOther(t, first)
	l.say(t, -500*time.Second, letOut)
	l.await(t, "ended")
	l.say(t, -400*time.Second, shutIn)
	l.say(t, -330*time.Second, shutIn)
	l.await(t, "ended", "open")
	t.Logf("%s stood still, %s ended its alarm and raised another", first, second)
	still.signal(t, syscall.SIGCONT)
	still.awaitReady(t)

	third := l.holder(t)
	dead := s.processOf(third)
	dead.kill()
	fourth := l.awaitOther(t, third)
	l.say(t, -300*time.Second, letOut)
	l.await(t, "ended", "ended")
	t.Logf("%s was killed, %s ended its alarm", third, fourth)
	dead.start(t)

	for _, a := range l.onDesk(t) {
		wantAlarm(t, a, "open", "raised", "ended")
	}
}

// siegeLift is a lift in which someone is shut in as the test says.
type siegeLift struct {
	*sender
	house *running
	ch    *clickhouse.DB
	pg    *postgres.DB
	now   time.Time // that its moments count from
}

const liftMetrics = `{"name":"presence","unit":"1","min":0,"max":1},{"name":"door_open","unit":"1","min":0,"max":1},
	{"name":"speed","unit":"m/s","min":0,"max":4}`

func (s *siege) lift(t testing.TB, id string, ch *clickhouse.DB, pg *postgres.DB) *siegeLift {
	t.Helper()
	snd := s.register(t, siegeDevice{id: id, kind: "lift", interval: 60, metrics: liftMetrics})
	return &siegeLift{snd, s.house, ch, pg, time.Now().UTC().Truncate(time.Second)}
}

// What a lift says.
const (
	shutIn = `{"presence":1,"door_open":0,"speed":0}`
	letOut = `{"presence":0,"door_open":1,"speed":0}`
)

func (l *siegeLift) moment(ago time.Duration) string { return l.now.Add(ago).Format(time.RFC3339) }

// say publishes what the lift measured at a moment, until the broker has it.
func (l *siegeLift) say(t testing.TB, ago time.Duration, values string) {
	t.Helper()
	payload := fmt.Appendf(nil, `{"at":%q,"v":%s}`, l.moment(ago), values)
	awaitSiege(t, "the broker", func() error { return l.send(payload) })
}

// sayLate stores an open door another way, after later rows.
func (l *siegeLift) sayLate(t testing.TB, ago time.Duration) {
	t.Helper()
	body := fmt.Appendf(nil, `{"readings":[{"metric":"door_open","at":%q,"value":1}]}`, l.moment(ago))
	status, answer, err := l.house.as("operator", http.MethodPost, "/v1/devices/"+l.device+"/readings", body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("late row: %d %s %v", status, answer, err)
	}
}

// dieUnstored kills the service when it has decided on what act publishes, while ClickHouse stands still.
func (s *siege) dieUnstored(t testing.TB, act func()) {
	t.Helper()
	const decided = "plinth_alarm_decisions_total"
	signalEngine(t, s.house.data, "clickhouse", syscall.SIGSTOP)
	before := s.figure(t, s.service, decided)
	act()
	awaitSiege(t, "a decision", func() error {
		if s.figure(t, s.service, decided) == before {
			return fmt.Errorf("none")
		}
		return nil
	})
	s.service.kill()
	signalEngine(t, s.house.data, "clickhouse", syscall.SIGCONT)
	s.service.start(t)
}

// dieUntold kills the service when it has stored what the lift says, and waits for the table of alarms to tell what follows.
// It returns when the message has come again and is acknowledged.
func (s *siege) dieUntold(t testing.TB, l *siegeLift, ago time.Duration, values string) {
	t.Helper()
	tx, err := l.pg.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `LOCK TABLE alarm IN EXCLUSIVE MODE`) // it can be read
	}
	if err != nil {
		t.Fatal(err)
	}
	l.say(t, ago, values)
	awaitSiege(t, "rows that are stored and a decision that waits", func() error { return l.untold(t.Context(), ago) })
	s.service.kill()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.service.start(t)
	awaitSiege(t, "the message again", func() error {
		if s.figure(t, s.service, "plinth_stream_messages_total") == 0 {
			return fmt.Errorf("nothing is acknowledged")
		}
		return nil
	})
}

// untold is nil when the rows of a moment are stored and someone waits to write alarms.
func (l *siegeLift) untold(ctx context.Context, ago time.Duration) error {
	at := l.now.Add(ago)
	rows, err := clickhouse.NewReadings(l.ch).Of(ctx, plinth.DeviceID(l.device), at, at.Add(time.Millisecond))
	if err != nil {
		return err
	}
	var waiting int
	err = l.pg.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE relation = 'alarm'::regclass AND NOT granted`).Scan(&waiting)
	if err == nil && (len(rows) < 3 || waiting == 0) {
		err = fmt.Errorf("%d rows, %d waiting", len(rows), waiting)
	}
	return err
}

// await waits until the lift's alarms are as said, the oldest first. An open alarm whose condition is over is "ended".
func (l *siegeLift) await(t testing.TB, want ...string) {
	t.Helper()
	awaitSiege(t, "alarms", func() error {
		rows, err := l.pg.Query(t.Context(), `SELECT CASE WHEN state = 'open' AND ended_at IS NOT NULL THEN 'ended' ELSE state END
			FROM alarm WHERE device = $1 AND rule = 'trapped' ORDER BY since`, l.device)
		if err != nil {
			return err
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("they are %v, want %v", got, want)
		}
		return err
	})
}

// deskAlarm is an alarm as people see it.
type deskAlarm struct {
	ID, State string
	Timeline  []struct{ Action string }
	Rows      []struct{ Metric string }
}

// onDesk returns the lift's two alarms, the oldest first.
func (l *siegeLift) onDesk(t testing.TB) []deskAlarm {
	t.Helper()
	var list struct {
		TotalSize int
		Alarms    []struct{ ID, Since string }
	}
	l.get(t, "/v1/alarms?rule=trapped&device_id="+l.device, &list)
	if list.TotalSize != 2 || len(list.Alarms) != 2 {
		t.Fatalf("%+v, want two alarms", list)
	}
	slices.SortFunc(list.Alarms, func(a, b struct{ ID, Since string }) int { return strings.Compare(a.Since, b.Since) })
	var out []deskAlarm
	for _, a := range list.Alarms {
		var one deskAlarm
		l.get(t, "/v1/alarms/"+a.ID, &one)
		out = append(out, one)
	}
	return out
}

func (l *siegeLift) get(t testing.TB, path string, into any) {
	t.Helper()
	status, answer, err := l.house.as("operator", http.MethodGet, path, nil)
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal(answer, into)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, status, answer, err)
	}
}

// wantAlarm checks an alarm's state, that each step was taken once, and that it names its rows.
func wantAlarm(t testing.TB, a deskAlarm, state string, steps ...string) {
	t.Helper()
	var taken []string
	for _, s := range a.Timeline {
		taken = append(taken, s.Action)
	}
	if a.State != state || !slices.Equal(taken, steps) || len(a.Rows) == 0 {
		t.Errorf("alarm %+v, want it %s by %v with its rows", a, state, steps)
	}
}

// awaitEvent waits until the event of an alarm that was withdrawn says so.
func (l *siegeLift) awaitEvent(t testing.TB, alarm string) {
	t.Helper()
	awaitSiege(t, "the event", func() error {
		var title, state string
		err := l.ch.QueryRow(t.Context(), `SELECT title, attrs['state'] FROM plinth.event FINAL WHERE source = 'sensor' AND source_id = {id:String}`,
			clickhouse.Param("id", alarm)).Scan(&title, &state)
		if err == nil && (state != "withdrawn" || !strings.Contains(title, "已撤回")) {
			err = fmt.Errorf("%q %q", title, state)
		}
		return err
	})
}

// holder is the member that works the lifts.
func (l *siegeLift) holder(t testing.TB) (member string) {
	t.Helper()
	awaitSiege(t, "a member for the lifts", func() (err error) {
		member, err = l.heldBy(t)
		return err
	})
	return member
}

func (l *siegeLift) heldBy(t testing.TB) (member string, err error) {
	err = l.pg.QueryRow(t.Context(), `SELECT member FROM ingest_share WHERE part = 'lift' AND until > clock_timestamp()`).Scan(&member)
	return member, err
}

// awaitOther waits until another member works the lifts.
func (l *siegeLift) awaitOther(t testing.TB, than string) (member string) {
	t.Helper()
	awaitSiege(t, "another member for the lifts", func() (err error) {
		if member, err = l.heldBy(t); err == nil && member == than {
			err = fmt.Errorf("it is %s still", member)
		}
		return err
	})
	return member
}

// works is nil when a member works a part.
func (l *siegeLift) works(t testing.TB, member string) error {
	var part string
	return l.pg.QueryRow(t.Context(), `SELECT part FROM ingest_share WHERE member = $1 LIMIT 1`, member).Scan(&part)
}

// processOf is the process of a member.
func (s *siege) processOf(member string) *siegeProcess {
	for _, p := range s.members {
		if p != nil && slices.Contains(p.args, member) {
			return p
		}
	}
	return s.service
}
