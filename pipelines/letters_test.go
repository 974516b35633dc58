package pipelines_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

var mender = plinth.Principal{Account: "ac_op", Name: "运维员", Department: "ecology", Roles: []plinth.Role{plinth.RoleOperator}}

func (l *lab) desk(t *testing.T) *pipelines.LetterDesk {
	t.Helper()
	ms, err := pipelines.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	return &pipelines.LetterDesk{Letters: l.sink.DeadLetters, Acts: postgres.NewPipelines(l.pg), Now: time.Now, Importer: l.importer(),
		Mappings: func() map[string]*pipelines.Mapping { return ms },
		Stream:   pipelines.Stream{Registry: l.registry, Watch: l.watch, Sink: l.sink, Meter: l.meter, Now: time.Now, Log: l.log}}
}

func (l *lab) letter(t *testing.T, d pipelines.DeadLetter) pipelines.Letter {
	t.Helper()
	d.At = time.Now()
	if err := l.sink.InsertDeadLetters(t.Context(), []pipelines.DeadLetter{d}); err != nil {
		t.Fatal(err)
	}
	all, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Source: d.Source, Reason: d.Reason, State: pipelines.LetterOpen}, 2)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d open letters of %s, %v", len(all), d.Source, err)
	}
	return all[0]
}

func (l *lab) stateOf(t *testing.T, id string) pipelines.LetterState {
	t.Helper()
	all, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{IDs: []string{id}}, 2)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d letters with the id, %v", len(all), err)
	}
	return all[0].State
}

func TestALetterIsReplayedAfterItsCauseIsMended(t *testing.T) {
	l := newLab(t)
	desk, ctx := l.desk(t), t.Context()
	dead := pipelines.DeadLetter{Source: "plinth/v1/water_quality/wq-9/data", Field: "topic", Reason: "not registered",
		Payload: payload(3), Pipeline: "water_quality"}
	letter := l.letter(t, dead)
	by := pipelines.LetterFilter{IDs: []string{letter.ID}}

	out, err := desk.Replay(ctx, mender, by, nil, "the device is registered now")
	if err != nil || out.Closed != 0 || len(out.Again) != 1 || out.Again[0].Field != "topic" {
		t.Fatalf("before the cause is mended: %+v, %v", out, err)
	}
	if s := l.stateOf(t, letter.ID); s != pipelines.LetterOpen {
		t.Errorf("a letter that is refused again is %s", s)
	}
	l.device(t, "wq-9", "water_quality")
	out, err = desk.Replay(ctx, mender, pipelines.LetterFilter{Pipeline: "water_quality"}, nil, "the device is registered now")
	if err != nil || out.Closed != 1 || out.Rows != 2 {
		t.Fatalf("after the cause is mended: %+v, %v", out, err)
	}
	if n := l.count(t, `SELECT count() FROM plinth.reading FINAL WHERE device = 'wq-9'`); n != 2 {
		t.Errorf("%d readings, want 2", n)
	}
	if err := l.sink.InsertDeadLetters(ctx, []pipelines.DeadLetter{dead}); err != nil { // the same message comes again
		t.Fatal(err)
	}
	if s := l.stateOf(t, letter.ID); s != pipelines.LetterReplayed {
		t.Errorf("the letter is %s", s)
	}
	if out, err = desk.Replay(ctx, mender, by, nil, "again"); err != nil || out.Taken != 0 {
		t.Errorf("a replayed letter is taken again: %+v, %v", out, err)
	}
	var records int
	if err := l.pg.QueryRow(ctx, `SELECT count(*) FROM ledger_outbox o JOIN dead_letter_act a ON a.record_id = o.id
		WHERE o.kind = 'deadletter.replayed' AND a.letters = ARRAY[$1] AND a.rows = 2 AND a.marked`, letter.ID).Scan(&records); err != nil || records != 1 {
		t.Errorf("%d records, %v", records, err)
	}
}

func TestALetterIsReplayedWithAnotherPayload(t *testing.T) {
	l := newLab(t)
	d := l.device(t, "wq-8", "water_quality")
	desk, ctx := l.desk(t), t.Context()
	letter := l.letter(t, pipelines.DeadLetter{Source: d.Topic(), Reason: "no JSON", Payload: "ph=7", Pipeline: d.Kind, Device: d.ID})
	by := pipelines.LetterFilter{IDs: []string{letter.ID}}
	still := "still no JSON"
	if out, err := desk.Replay(ctx, mender, by, &still, "typed by hand"); err != nil || out.Closed != 0 || len(out.Again) != 1 {
		t.Errorf("another bad payload: %+v, %v", out, err)
	}
	good := payload(1)
	if out, err := desk.Replay(ctx, mender, by, &good, "typed by hand"); err != nil || out.Closed != 1 || out.Rows != 2 {
		t.Errorf("a good payload: %+v, %v", out, err)
	}
	if _, err := desk.Replay(ctx, mender, pipelines.LetterFilter{Device: d.ID}, &good, "all of them"); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("one payload for many letters: %v", err)
	}
	if n := l.count(t, `SELECT count() FROM plinth.dead_letter FINAL`); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
}

func TestALetterOfAFileHoldsItsRowAndHeader(t *testing.T) {
	l := newLab(t)
	desk, ctx := l.desk(t), t.Context()
	m := desk.Mappings()["events-hotline"]
	const file = "source_id,at,class,title,text,street,grid,address,longitude,latitude,contact\n" +
		"\"a,1\",not a time,noise,t,,,,,121.4,31.2,\n"
	for range 2 { // importing it again must not double the letter
		if _, err := l.importer().Import(ctx, strings.NewReader(file), m, pipelines.ImportOptions{Name: "calls.csv", By: "ac_op"}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := l.sink.Letters(ctx, pipelines.LetterFilter{Pipeline: m.Name}, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d letters, %v", len(all), err)
	}
	if all[0].Payload != file {
		t.Errorf("payload %q, want %q", all[0].Payload, file)
	}
	mended := strings.Replace(file, "not a time", "2026-11-24 08:00:00", 1)
	out, err := desk.Replay(ctx, mender, pipelines.LetterFilter{IDs: []string{all[0].ID}}, &mended, "the caller was asked")
	if err != nil || out.Closed != 1 || out.Rows != 1 {
		t.Fatalf("mended row: %+v, %v", out, err)
	}
	if n := l.count(t, `SELECT count() FROM plinth.event FINAL WHERE source_id = 'a,1' AND title = 't'`); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// deaf cannot mark letters.
type deaf struct{ marks }

type marks = pipelines.Letters

func (deaf) MarkLetters(context.Context, pipelines.LetterAct) error { return errCrash }

func TestLettersAreDroppedWithAReasonAndMarkedAfterACrash(t *testing.T) {
	l := newLab(t)
	desk, ctx := l.desk(t), t.Context()
	letter := l.letter(t, pipelines.DeadLetter{Source: "http/wq-1", Reason: "flood", Payload: "x", Pipeline: "http", Count: 50})
	by := pipelines.LetterFilter{Pipeline: "http", Reason: "flood"}
	for name, f := range map[string]func() error{
		"without a reason": func() error { _, err := desk.Drop(ctx, mender, by, " "); return err },
		"of everything":    func() error { _, err := desk.Drop(ctx, mender, pipelines.LetterFilter{}, "tidy"); return err },
	} {
		if err := f(); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("dropped %s: %v", name, err)
		}
	}
	if out, err := desk.Replay(ctx, mender, by, nil, "try"); err != nil || out.Closed != 0 || len(out.Again) != 1 {
		t.Errorf("a sampled letter replayed: %+v, %v", out, err)
	}
	counts, err := l.sink.Reasons(ctx, pipelines.LetterFilter{Pipeline: "http", State: pipelines.LetterOpen})
	if err != nil || len(counts) != 1 || counts[0].Letters != 1 || counts[0].Inputs != 50 {
		t.Errorf("counts %+v, %v", counts, err)
	}
	desk.Letters = deaf{l.sink.DeadLetters}
	if _, err := desk.Drop(ctx, mender, by, "a test of the sender"); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("dropped while the store cannot mark: %v", err)
	}
	if s := l.stateOf(t, letter.ID); s != pipelines.LetterOpen {
		t.Errorf("before it is marked the letter is %s", s)
	}
	if err := l.desk(t).Mend(ctx); err != nil {
		t.Fatal(err)
	}
	if s := l.stateOf(t, letter.ID); s != pipelines.LetterDropped {
		t.Errorf("after the mending the letter is %s", s)
	}
}
