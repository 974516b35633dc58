package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

// watchman sees who works what, and that no part is worked by two.
type watchman struct {
	mu    sync.Mutex
	at    map[string]string
	twice []string
}

func (w *watchman) crew(db *postgres.DB, name string, parts []string) *pipelines.Crew {
	return &pipelines.Crew{Name: name, Shares: postgres.NewShares(db), Parts: func() []string { return parts },
		TTL: 3 * time.Second, Every: 50 * time.Millisecond, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Work: func(ctx context.Context, part string) error {
			w.enter(name, part)
			<-ctx.Done()
			w.leave(name, part)
			return nil
		}}
}

func (w *watchman) enter(name, part string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other := w.at[part]; other != "" {
		w.twice = append(w.twice, part+": "+other+" and "+name)
	}
	w.at[part] = name
}

func (w *watchman) leave(name, part string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at[part] == name {
		delete(w.at, part)
	}
}

// counts are the numbers of parts that each member works.
func (w *watchman) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := map[string]int{}
	for _, name := range w.at {
		n[name]++
	}
	return n
}

func (w *watchman) await(t *testing.T, what string, ok func(map[string]int) bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(w.counts()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, w.counts())
		}
	}
}

func TestMembersShareThePartsAndNoneIsWorkedTwice(t *testing.T) {
	db := open(t)
	parts := make([]string, 7)
	for i := range parts {
		parts[i] = fmt.Sprintf("lift-p%02d", i)
	}
	w := &watchman{at: map[string]string{}}
	leave := map[string]func(){}
	join := func(name string) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = w.crew(db, name, parts).Run(ctx) }()
		leave[name] = func() { cancel(); <-done }
		t.Cleanup(leave[name])
	}
	join("a")
	w.await(t, "one works all", func(n map[string]int) bool { return n["a"] == 7 })
	join("b")
	join("c")
	w.await(t, "three share", func(n map[string]int) bool { return n["a"] == 3 && n["b"] == 2 && n["c"] == 2 })
	leave["a"]()
	w.await(t, "two take over what one gave back", func(n map[string]int) bool { return n["b"] == 4 && n["c"] == 3 })
	if len(w.twice) > 0 {
		t.Errorf("worked by two: %v", w.twice)
	}
}

func TestADeadMembersPartsAreTakenOver(t *testing.T) {
	db := open(t)
	shares, parts := postgres.NewShares(db), []string{"lift", "water_meter"}
	const ttl = 500 * time.Millisecond
	for _, member := range []string{"dead", "living"} {
		if _, _, err := postgres.NewShares(db).Share(t.Context(), member, parts, nil, ttl); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		held, alone, err := shares.Share(t.Context(), "living", parts, nil, ttl)
		if err != nil {
			t.Fatal(err)
		}
		if len(held) == 2 && alone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the living member holds %v", held)
		}
	}
}

func TestAPartIsKeptWhileItDrains(t *testing.T) {
	db := open(t)
	parts := []string{"lift", "water_meter"}
	of := map[string]*postgres.Shares{"a": postgres.NewShares(db), "b": postgres.NewShares(db)}
	share := func(member string, working ...string) []string {
		t.Helper()
		held, _, err := of[member].Share(t.Context(), member, parts, working, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	share("a")
	share("b")
	if held := share("a", parts...); len(held) != 1 || held[0] != "lift" {
		t.Fatalf("a should keep one of two: %v", held)
	}
	if held := share("b"); len(held) != 0 {
		t.Fatalf("b got %v while a drains it", held)
	}
	share("a", "lift")
	if held := share("b"); len(held) != 1 || held[0] != "water_meter" {
		t.Errorf("b got %v after a had drained it", held)
	}
}

func TestTwoProcessesOfOneNameAreTold(t *testing.T) {
	db := open(t)
	parts := []string{"lift"}
	first, second := postgres.NewShares(db), postgres.NewShares(db)
	for i, s := range []*postgres.Shares{first, first, second, second} {
		if _, _, err := s.Share(t.Context(), "a", parts, nil, time.Minute); err != nil {
			t.Fatalf("call %d: %v", i, err) // a process that starts again takes its name
		}
	}
	if _, _, err := first.Share(t.Context(), "a", parts, nil, time.Minute); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("the first process: %v, want a conflict", err)
	}
	if err := first.Leave(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if held, _, err := second.Share(t.Context(), "a", parts, nil, time.Minute); err != nil || len(held) != 1 {
		t.Errorf("the second process holds %v, %v", held, err)
	}
}

func TestALateMemberGetsItsShare(t *testing.T) {
	db := open(t)
	parts := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}
	first, second := postgres.NewShares(db), postgres.NewShares(db)
	share := func(s *postgres.Shares, member string, working []string) []string {
		t.Helper()
		held, _, err := s.Share(t.Context(), member, parts, working, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	all := share(first, "service", nil)
	share(second, "ingest", nil)
	some := share(first, "service", all)
	share(first, "service", some)
	got := share(second, "ingest", nil)
	if d := cmp.Diff(parts, slices.Sorted(slices.Values(append(some, got...)))); d != "" || len(got) != 5 {
		t.Errorf("service holds %v, ingest %v", some, got)
	}
}

func TestAPartThatOneMemberNamesIsDealtToAll(t *testing.T) {
	db := open(t)
	one, other := postgres.NewShares(db), postgres.NewShares(db)
	if _, _, err := one.Share(t.Context(), "a", []string{"lift", "lift-p00"}, nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := one.Leave(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	held, alone, err := other.Share(t.Context(), "b", []string{"lift"}, nil, time.Minute)
	if d := cmp.Diff([]string{"lift", "lift-p00"}, held); err != nil || !alone || d != "" {
		t.Errorf("%v %v\n%s", alone, err, d)
	}
}

func TestASessionIsKnownOnceItWasOpened(t *testing.T) {
	shares, parts := postgres.NewShares(open(t)), []string{"lift", "water_meter"}
	unopened := func(session string) []string {
		got, err := shares.Unopened(t.Context(), parts, session)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := unopened("s"); len(got) != 2 {
		t.Errorf("before any: %v", got)
	}
	for range 2 {
		if err := shares.Opened(t.Context(), "lift", "s"); err != nil {
			t.Fatal(err)
		}
	}
	if got := unopened("s"); !slices.Equal(got, parts[1:]) {
		t.Errorf("after one: %v", got)
	}
	if got := unopened("another"); len(got) != 2 {
		t.Errorf("under another session's name: %v", got)
	}
}

func TestMembersReadWhatTheOthersHaveCounted(t *testing.T) {
	db := open(t)
	a, b := postgres.NewShares(db), postgres.NewShares(db)
	for name, s := range map[string]*postgres.Shares{"a": a, "b": b} {
		if _, _, err := s.Share(t.Context(), name, []string{"lift"}, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	lift := pipelines.Counts{Domain: "lift", Messages: 3, Rows: 7, Dead: 1, Batches: 2, Retries: 1, Busy: time.Second, Last: time.Millisecond,
		Stored: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Waiting: 5}
	if err := b.Report(t.Context(), "b", []pipelines.Counts{lift}); err != nil {
		t.Fatal(err)
	}
	got, err := a.Reported(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v %v, want one other", got, err)
	}
	for _, counts := range got {
		if d := cmp.Diff([]pipelines.Counts{lift}, counts); d != "" {
			t.Error(d)
		}
	}
	if err := b.Leave(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Reported(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("got %v %v of one that left", got, err)
	}
}
