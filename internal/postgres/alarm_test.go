package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"plinth"
	"plinth/internal/postgres"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

var (
	duty   = plinth.Principal{Account: "ac_duty", Department: "opcentre", Roles: []plinth.Role{plinth.RoleOperator}}
	market = plinth.Principal{Account: "ac_market", Department: "market", Roles: []plinth.Role{plinth.RoleProvider}}
	began  = time.Date(2026, 11, 24, 1, 30, 0, 0, time.UTC)
)

// trapped is the decision that someone is trapped in a lift.
func trapped(device string, since time.Time) alarm.Decision {
	id := plinth.DeviceID(device)
	return alarm.Decision{Op: alarm.Raise, At: since.Add(time.Minute), Alarm: alarm.Alarm{
		ID: alarm.Identity(id, "trapped", "1", since), Device: id, DeviceName: sensors.Text{ZH: "电梯1号", EN: "Lift 1"}, Kind: "lift",
		Rule: "trapped", Pack: "1", Title: sensors.Text{ZH: "电梯困人", EN: "Trapped in a lift"}, Text: sensors.Text{ZH: "停了60秒", EN: "stands for 60 s"},
		Grade: alarm.Warning, Since: since, Street: "caoyang", Grid: "caoyang-1", Site: "兰馨新村", Longitude: 121.4, Latitude: 31.2,
		Owner: "market", Unit: "market", RespondBy: since.Add(30 * time.Minute), Score: 1.5, Facts: map[string]string{"seconds": "60"},
		Rows: []alarm.Row{{Metric: "speed", At: since, Seq: 7}}}}
}

// later is what the same rule says afterwards.
func later(d alarm.Decision, op alarm.Op, grade alarm.Grade, after time.Duration) alarm.Decision {
	d.Op, d.Alarm.Grade, d.At = op, grade, d.At.Add(after)
	return d
}

func tell(t *testing.T, s *postgres.Alarms, now time.Time, ds ...alarm.Decision) []alarm.Alarm {
	t.Helper()
	changed, err := s.Tell(t.Context(), ds, now)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestADecisionToldTwiceIsOneAlarmAndOneRecord(t *testing.T) {
	db := open(t)
	s := postgres.NewAlarms(db)
	raised := trapped("lift-0001", began)
	regraded := later(raised, alarm.Regrade, alarm.Urgent, time.Minute)
	ended := later(raised, alarm.End, 0, 5*time.Minute)
	all := []alarm.Decision{raised, regraded, ended}
	if got := tell(t, s, began.Add(10*time.Minute), all...); len(got) != 1 || got[0].Grade != alarm.Urgent || got[0].Ended != ended.At {
		t.Fatalf("told %+v", got)
	}
	if got := tell(t, s, began.Add(20*time.Minute), all...); got != nil {
		t.Errorf("told again, changed %+v", got)
	}
	a, life, err := s.Alarm(t.Context(), raised.Alarm.ID)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, step := range life {
		did = append(did, step.Action)
	}
	if d := cmp.Diff([]string{"raised", "regraded", "ended"}, did); d != "" {
		t.Error(d)
	}
	want := raised.Alarm
	want.State, want.Grade, want.Peak, want.Ended, want.At, want.Raised = alarm.Open, alarm.Urgent, alarm.Urgent, ended.At, ended.At, began.Add(10*time.Minute)
	want.Record, want.Event, want.Evidence = a.Record, a.Event, "pending"
	if d := cmp.Diff(want, a); d != "" {
		t.Error(d)
	}
	var records int
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM ledger_outbox WHERE kind LIKE 'alarm.%'`).Scan(&records); err != nil || records != 3 {
		t.Errorf("%d records, %v", records, err)
	}
}

func TestAnAlarmsLifeAmongPeopleIsRecorded(t *testing.T) {
	db, c := open(t), newClock()
	s := postgres.NewAlarms(db)
	desk := alarm.NewDesk(s, c.now)
	d := trapped("lift-0001", began)
	tell(t, s, c.now(), d)
	id := d.Alarm.ID
	if _, err := desk.Acknowledge(t.Context(), plinth.Principal{Account: "ac_x", Department: "civil", Roles: market.Roles}, id, ""); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("another department: %v", err)
	}
	if _, err := desk.Acknowledge(t.Context(), market, id, "on the way"); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Acknowledge(t.Context(), market, id, ""); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("acknowledged twice: %v", err)
	}
	if _, err := desk.Handle(t.Context(), duty, id, alarm.False, " "); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("false without a note: %v", err)
	}
	if _, err := desk.Handle(t.Context(), duty, id, alarm.False, "moving furniture"); err != nil {
		t.Fatal(err)
	}
	tell(t, s, c.now(), later(d, alarm.Withdraw, alarm.Warning, 0))
	if a, _, err := s.Alarm(t.Context(), id); err != nil || a.State != alarm.Handled || a.Outcome != alarm.False {
		t.Errorf("a withdrawal undid what a person said: %+v %v", a, err)
	}
	if a, err := desk.Reopen(t.Context(), duty, id, "wrong alarm"); err != nil || a.State != alarm.Acknowledged || a.Outcome != "" {
		t.Errorf("reopened %+v %v", a, err)
	}
	_, life, err := s.Alarm(t.Context(), id)
	if err != nil || len(life) != 5 {
		t.Errorf("life %+v %v", life, err)
	}
}

func TestWhoFollowsHearsOfAlarmsThatAnotherProcessTellsAndPeopleMove(t *testing.T) {
	db, c := open(t), newClock()
	s := postgres.NewAlarms(db)
	ctx, stop := context.WithCancel(t.Context())
	news, ended := make(chan alarm.Alarm, 10), make(chan error, 1)
	go func() { ended <- postgres.NewAlarms(db).Follow(ctx, func(a alarm.Alarm) { news <- a }) }()
	var listening bool
	for !listening { // what was told before is not news
		if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'LISTEN alarm' AND state = 'idle'
			AND datname = current_database())`).Scan(&listening); err != nil {
			t.Fatal(err)
		}
	}
	d := trapped("lift-0001", began)
	tell(t, s, c.now(), d)
	if a := <-news; a.ID != d.Alarm.ID || a.State != alarm.Open {
		t.Errorf("heard of %+v, want the alarm that was raised", a)
	}
	if _, err := alarm.NewDesk(s, c.now).Acknowledge(ctx, market, d.Alarm.ID, ""); err != nil {
		t.Fatal(err)
	}
	if a := <-news; a.ID != d.Alarm.ID || a.State != alarm.Acknowledged {
		t.Errorf("heard of %+v, want the alarm that was acknowledged", a)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAlarmsAreListedAndCountedAsNarrowed(t *testing.T) {
	s := postgres.NewAlarms(open(t))
	for i, device := range []string{"lift-1", "lift-2", "lift-3"} {
		tell(t, s, began.Add(time.Duration(i)*time.Hour), trapped(device, began))
	}
	tell(t, s, began.Add(4*time.Hour), later(trapped("lift-2", began), alarm.Withdraw, alarm.Warning, time.Hour))
	first, total, err := s.Alarms(t.Context(), alarm.Filter{Limit: 2})
	if err != nil || total != 3 || len(first) != 2 || first[0].Device != "lift-3" {
		t.Fatalf("%d of %d %v", len(first), total, err)
	}
	rest, _, err := s.Alarms(t.Context(), alarm.Filter{Limit: 2, After: &alarm.Cursor{Raised: first[1].Raised, ID: first[1].ID}})
	if err != nil || len(rest) != 1 || rest[0].Device != "lift-1" {
		t.Errorf("rest %+v %v", rest, err)
	}
	for name, tt := range map[string]struct {
		f    alarm.Filter
		want int
	}{
		"active": {alarm.Filter{State: alarm.ActiveState}, 2}, "withdrawn": {alarm.Filter{State: alarm.Withdrawn}, 1},
		"grade": {alarm.Filter{Grade: alarm.Urgent}, 0}, "device": {alarm.Filter{Device: "lift-1"}, 1},
		"unit": {alarm.Filter{Unit: "market"}, 3}, "street": {alarm.Filter{Street: "taopu"}, 0},
		"since": {alarm.Filter{From: began.Add(time.Hour)}, 2}, "until": {alarm.Filter{To: began.Add(time.Hour)}, 1},
	} {
		tt.f.Limit = 10
		got, total, err := s.Alarms(t.Context(), tt.f)
		counts, err2 := s.AlarmCounts(t.Context(), tt.f, began.Add(12*time.Hour))
		if err != nil || err2 != nil || len(got) != tt.want || total != tt.want || counts.Total != tt.want {
			t.Errorf("%s: %d of %d, counted %d, want %d (%v %v)", name, len(got), total, counts.Total, tt.want, err, err2)
		}
	}
	c, err := s.AlarmCounts(t.Context(), alarm.Filter{}, began.Add(12*time.Hour))
	if err != nil || c.Overdue != 2 || c.State["open"] != 2 || c.Kind["lift"] != 3 || c.Grade["2"] != 3 {
		t.Errorf("counts %+v %v", c, err)
	}
}

func TestAnAlarmsEventIsDueUntilItIsStoredAsItStands(t *testing.T) {
	s := postgres.NewAlarms(open(t))
	d := trapped("lift-0001", began)
	tell(t, s, began, d)
	due := func() []alarm.Alarm {
		t.Helper()
		as, err := s.EventsDue(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return as
	}
	read := due()
	tell(t, s, began, later(d, alarm.Regrade, alarm.Urgent, time.Minute))
	if err := s.EventsDone(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	if read = due(); len(read) != 1 || read[0].Grade != alarm.Urgent {
		t.Fatalf("due after it rose: %+v", read)
	}
	if err := s.EventsDone(t.Context(), read); err != nil || len(due()) != 0 {
		t.Errorf("still due: %v", err)
	}
	tell(t, s, began, later(d, alarm.End, 0, time.Hour))
	if len(due()) != 0 {
		t.Error("an end makes no event")
	}
}

func TestAlarmsOfHomesAreLeftOutAndNotCounted(t *testing.T) {
	s := postgres.NewAlarms(open(t))
	for _, device := range []string{"lift-1", "lift-2", "lift-3"} {
		tell(t, s, began, trapped(device, began))
	}
	for name, tt := range map[string]struct {
		without *alarm.Homes
		want    int
	}{
		"none":              {nil, 3},
		"homes of no kind":  {&alarm.Homes{}, 3},
		"a device":          {&alarm.Homes{Devices: []plinth.DeviceID{"lift-2"}}, 2},
		"a kind":            {&alarm.Homes{Kinds: []string{"lift"}}, 0},
		"but for the unit":  {&alarm.Homes{Kinds: []string{"lift"}, Except: "market"}, 3},
		"but for a street":  {&alarm.Homes{Kinds: []string{"lift"}, Except: "caoyang"}, 3},
		"but for a strange": {&alarm.Homes{Kinds: []string{"lift"}, Except: "civil"}, 0},
	} {
		got, total, err := s.Alarms(t.Context(), alarm.Filter{Rule: "trapped", Without: tt.without, Limit: 10})
		if err != nil || len(got) != tt.want || total != tt.want {
			t.Errorf("%s: %d of %d, %v; want %d", name, len(got), total, err, tt.want)
		}
	}
	a, _, err := s.Alarms(t.Context(), alarm.Filter{Limit: 10})
	if err != nil || a[0].Event == a[1].Event || a[0].Event == uuid.Nil {
		t.Errorf("numbers of events %v and %v, %v", a[0].Event, a[1].Event, err)
	}
}

func TestPermitsArePutOnceAndFoundByMoment(t *testing.T) {
	s := postgres.NewAlarms(open(t))
	p := alarm.Permit{ID: "YS202611240001", Kind: "night_work", Site: "申城项目", From: began, To: began.Add(8 * time.Hour)}
	put := func(ps ...alarm.Permit) [2]int {
		t.Helper()
		added, changed, err := alarm.PutPermits(context.Background(), s, duty, ps, began)
		if err != nil {
			t.Fatal(err)
		}
		return [2]int{added, changed}
	}
	if got := put(p); got != [2]int{1, 0} {
		t.Errorf("put %v", got)
	}
	if got := put(p); got != [2]int{0, 0} {
		t.Errorf("put again %v", got)
	}
	p.To = began.Add(4 * time.Hour)
	if got := put(p); got != [2]int{0, 1} {
		t.Errorf("corrected %v", got)
	}
	for at, want := range map[time.Duration]int{-time.Second: 0, 0: 1, 4*time.Hour - time.Second: 1, 4 * time.Hour: 0} {
		if _, n, err := s.Permits(t.Context(), alarm.PermitFilter{Kind: "night_work", At: began.Add(at), Limit: 5}); err != nil || n != want {
			t.Errorf("after %s: %d permits %v, want %d", at, n, err, want)
		}
	}
	var e *plinth.Error
	if _, _, err := alarm.PutPermits(t.Context(), s, duty, []alarm.Permit{{ID: "x"}}, began); !errors.As(err, &e) || e.Field != "permits[0].site" {
		t.Errorf("a permit without a site: %v", err)
	}
}

func TestDetectorsStatesComeBackWithTheNewestMomentOfTheirPart(t *testing.T) {
	db := open(t)
	addDevice(t, db, "lift-1", "lift")
	addDevice(t, db, "meter-1", "water_meter")
	s := postgres.NewAlarms(db)
	lifts, meters := sensors.Part{Domain: "lift"}, sensors.Part{Domain: "water_meter"}
	take := func(p sensors.Part, epoch int64, rx time.Time) {
		t.Helper()
		e, at, err := s.TakePart(t.Context(), p)
		if rx.IsZero() && time.Since(at) < time.Hour { // never taken before: from now on
			at = rx
		}
		if err != nil || e != epoch || !at.Equal(rx) {
			t.Errorf("taken %v in epoch %d at %v %v, want %d at %v", p, e, at, err, epoch, rx)
		}
	}
	take(lifts, 1, time.Time{})
	take(meters, 1, time.Time{})
	state := func(id plinth.DeviceID, b byte) []alarm.DeviceState {
		return []alarm.DeviceState{{Device: id, Pack: "1", RX: began, State: []byte{b}}}
	}
	for _, err := range []error{
		s.SaveStates(t.Context(), lifts, 1, state("lift-1", 1), began),
		s.SaveStates(t.Context(), lifts, 1, state("lift-1", 2), time.Time{}),
		s.SaveStates(t.Context(), meters, 1, state("meter-1", 9), began.Add(time.Hour)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	take(lifts, 2, began)
	if err := s.SaveStates(t.Context(), lifts, 1, state("lift-1", 3), began.Add(time.Hour)); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("an older holder saved: %v", err)
	}
	take(sensors.Part{Domain: "lift", Number: 1, Of: 4}, 1, began)
	var got []string
	if err := s.LoadStates(t.Context(), "lift", func(st alarm.DeviceState) { got = append(got, fmt.Sprint(st.Device, st.State)) }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"lift-1[2]"}, got); d != "" {
		t.Error(d)
	}
}

func TestANoteStaysUntilItIsEndedAsItWasRead(t *testing.T) {
	db := open(t)
	addDevice(t, db, "lift-1", "lift")
	s := postgres.NewAlarms(db)
	rows := func(from, to int) []alarm.Note {
		return []alarm.Note{{Device: "lift-1", First: began.Add(time.Duration(from) * time.Minute), Last: began.Add(time.Duration(to) * time.Minute)}}
	}
	add := func(ns []alarm.Note) {
		t.Helper()
		if err := s.AddNotes(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
	}
	read := func(kind string) []alarm.Note {
		t.Helper()
		ns, err := s.Notes(t.Context(), []string{kind})
		if err != nil {
			t.Fatal(err)
		}
		return ns
	}
	add(append(rows(3, 4), rows(5, 6)...))
	before := read("lift")
	add(rows(1, 2))
	want := rows(1, 6)
	want[0].Version = 1
	if d := cmp.Diff(want, read("lift")); d != "" {
		t.Error(d)
	}
	if err := s.EndNotes(t.Context(), before); err != nil || len(read("lift")) != 1 || len(read("water_meter")) != 0 {
		t.Errorf("a widened note was ended: %v", err)
	}
	if err := s.EndNotes(t.Context(), want); err != nil || len(read("lift")) != 0 {
		t.Errorf("still there: %v", err)
	}
	d := trapped("lift-1", began)
	tell(t, s, began, d)
	desk := alarm.NewDesk(s, newClock().now)
	if _, err := desk.Handle(t.Context(), duty, d.Alarm.ID, alarm.False, "nobody there"); err != nil {
		t.Fatal(err)
	}
	if ns := read("lift"); len(ns) != 1 || ns[0].Alarm != d.Alarm.ID {
		t.Errorf("what people found is not noted: %+v", ns)
	}
}

// addDevice registers a device of a kind.
func addDevice(t *testing.T, db *postgres.DB, id plinth.DeviceID, kind string) {
	t.Helper()
	r, err := sensors.Open(t.Context(), postgres.NewSensors(db), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d := sensors.Device{ID: id, Kind: kind, Owner: "market", Interval: time.Minute, Name: sensors.Text{ZH: "甲", EN: "A"},
		Metrics: []sensors.Metric{{Name: "level", Title: sensors.Text{ZH: "水位", EN: "Level"}, Unit: "m", Min: 0, Max: 9}}}
	if _, _, err := r.Register(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}
