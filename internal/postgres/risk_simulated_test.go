package postgres_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"plinth/internal/postgres"
	"plinth/policy"
	"plinth/security"
)

func TestSimulatedPastIsAHabitButNoDecision(t *testing.T) {
	b := openBureau(t)
	g := b.granted(t)
	risk := postgres.NewRisk(b.db)
	watch := security.NewWatch(risk, func() time.Time { return b.now }, slog.New(slog.DiscardHandler))
	var shown []security.Alert
	watch.Raised = func(a security.Alert) { shown = append(shown, a) }
	var past []security.Use
	for i := range 20 {
		past = append(past, security.Use{Consumer: reader.Account, Department: "civil", Dataset: g.Dataset,
			Day: policy.Day(b.now.AddDate(0, 0, -1-i)), Rows: 40 + int64(i%7), Queries: 3})
	}
	for range 2 { // the second time changes nothing
		if err := risk.SimulatePast(t.Context(), past); err != nil {
			t.Fatal(err)
		}
	}
	uses, err := risk.Uses(t.Context(), reader.Account, g.Dataset, past[19].Day, policy.Day(b.now))
	if err != nil || len(uses) != 20 || uses[19].Rows != 40 || uses[19].Queries != 3 {
		t.Fatalf("uses %v, %v", uses, err)
	}
	if _, n, err := b.Decisions(t.Context(), guard, policy.DecisionFilter{}); err != nil || n != 0 {
		t.Errorf("%d decisions of a simulated past, %v", n, err)
	}
	for range 3 {
		b.read(t, g, 400)
		if err := watch.Check(t.Context(), reader.Account, g.Dataset); err != nil {
			t.Fatal(err)
		}
	}
	if len(shown) != 1 || shown[0].Rule != security.RuleVolume || len(shown[0].Decisions) != 2 {
		t.Errorf("alerts shown %+v, want one, on the second read", shown)
	}
	past[0].Day = policy.Day(b.now) // really used by now
	if err := risk.SimulatePast(t.Context(), past[:1]); err != nil {
		t.Fatal(err)
	}
	uses, err = risk.Uses(t.Context(), reader.Account, g.Dataset, past[0].Day, past[0].Day)
	if got, want := fmt.Sprint(len(uses), uses[0].Rows, err), "1 1200 <nil>"; got != want {
		t.Errorf("a day of real use after it was simulated: got %s, want %s", got, want)
	}
}

// read is one permitted query that gives so many rows.
func (b *bureau) read(t *testing.T, g policy.Grant, rows int64) {
	t.Helper()
	dec, err := b.Intend(t.Context(), ask(g))
	if err != nil || !dec.Permit {
		t.Fatalf("use: %v, %v", dec.Failed(), err)
	}
	if err := b.Finish(t.Context(), dec, policy.Done, rows); err != nil {
		t.Fatal(err)
	}
}
