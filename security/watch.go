package security

import (
	"context"
	"log/slog"
	"math"
	"time"

	"plinth"
	"plinth/policy"
)

// Watch looks at consumers after each of their uses and raises alerts. It never stands in a query's way: it is told by
// Look, which does not wait, and works in Run.
type Watch struct {
	store interface {
		Watched
		Scores
	}
	now  func() time.Time
	log  *slog.Logger
	todo chan use

	// Raised, if set before Run, is told of every new alert. It must not block.
	Raised func(Alert)
}

type use struct {
	consumer plinth.AccountID
	dataset  plinth.DatasetID
}

// NewWatch returns a watch over the store.
func NewWatch(store interface {
	Watched
	Scores
}, now func() time.Time, log *slog.Logger) *Watch {
	return &Watch{store: store, now: now, log: log, todo: make(chan use, 1024)}
}

// Look asks for a consumer's use of a dataset to be looked at soon. When too many wait it is left out: the consumer's
// next use is looked at together with this one, since rules judge the day's sums.
func (w *Watch) Look(consumer plinth.AccountID, dataset plinth.DatasetID) {
	select {
	case w.todo <- use{consumer, dataset}:
	default:
		w.log.Warn("risk watch is behind")
	}
}

// Run looks until ctx ends. Every hour it lets scores fade.
func (w *Watch) Run(ctx context.Context) error {
	fade := time.NewTicker(time.Hour)
	defer fade.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-fade.C:
			if err := w.Fade(ctx); err != nil && ctx.Err() == nil {
				w.log.WarnContext(ctx, "risk scores not refreshed", "err", err)
			}
		case u := <-w.todo:
			for _, u := range w.waiting(u) {
				if err := w.Check(ctx, u.consumer, u.dataset); err != nil && ctx.Err() == nil {
					w.log.WarnContext(ctx, "risk not judged", "consumer", u.consumer, "err", err)
				}
			}
		}
	}
}

// Fade scores everyone anew whose score is above zero: alerts weigh less with time.
func (w *Watch) Fade(ctx context.Context) error {
	consumers, err := w.store.Scored(ctx)
	if err != nil {
		return err
	}
	for _, c := range consumers {
		if err := rescore(ctx, w.store, c, w.now().UTC()); err != nil {
			return err
		}
	}
	return nil
}

// waiting takes all that waits, each once.
func (w *Watch) waiting(first use) []use {
	out, seen := []use{first}, map[use]bool{first: true}
	for {
		select {
		case u := <-w.todo:
			if !seen[u] {
				seen[u] = true
				out = append(out, u)
			}
		default:
			return out
		}
	}
}

// Check judges one consumer's use of one dataset today by every rule.
func (w *Watch) Check(ctx context.Context, consumer plinth.AccountID, dataset plinth.DatasetID) error {
	now := w.now().UTC()
	rules, err := w.store.RiskRules(ctx, now)
	if err != nil {
		return err
	}
	for _, r := range rules {
		var a Alert
		var odd bool
		switch r.ID {
		case RuleVolume:
			a, odd, err = w.volume(ctx, r, consumer, dataset, now)
		case RuleDenied:
			a, odd, err = w.denied(ctx, r, consumer, now)
		}
		if err != nil {
			return err
		}
		if odd {
			if err := w.raise(ctx, r, a, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Watch) volume(ctx context.Context, r RiskRule, consumer plinth.AccountID, dataset plinth.DatasetID, now time.Time) (Alert, bool, error) {
	day := policy.Day(now)
	first := policy.Day(now.AddDate(0, 0, -int(r.Params["history_days"])))
	uses, err := w.store.Uses(ctx, consumer, dataset, first, day)
	if err != nil {
		return Alert{}, false, err
	}
	var today Use
	var past []Use
	for _, u := range uses {
		if u.Day == day {
			today = u
		} else if u.Queries > 0 {
			past = append(past, u)
		}
	}
	if today.Rows == 0 {
		return Alert{}, false, nil
	}
	f, odd := volume(r, today, past)
	if !odd {
		return Alert{}, false, nil
	}
	ids, _, err := w.store.DecisionsOf(ctx, consumer, dataset, false, dayStart(now), maxEvidence)
	a := Alert{Consumer: consumer, Department: today.Department, Dataset: dataset, Findings: []Finding{f}, Decisions: ids}
	if f.Expected > 0 { // far more than usual weighs more
		a.Severity = int(min(20, 4*math.Log2(f.Observed/f.Expected)))
	}
	return a, true, err
}

func (w *Watch) denied(ctx context.Context, r RiskRule, consumer plinth.AccountID, now time.Time) (Alert, bool, error) {
	since := now.Add(-time.Duration(r.Params["minutes"] * float64(time.Minute)))
	ids, n, err := w.store.DecisionsOf(ctx, consumer, "", true, since, maxEvidence)
	if err != nil {
		return Alert{}, false, err
	}
	f, odd := denials(r, n)
	return Alert{Consumer: consumer, Findings: []Finding{f}, Decisions: ids}, odd, nil
}

// maxEvidence is how many decisions an alert names.
const maxEvidence = 100

func (w *Watch) raise(ctx context.Context, r RiskRule, a Alert, now time.Time) error {
	a.ID, a.Rule, a.Title = plinth.AlertID(plinth.NewID("al")), r.ID, r.Title
	a.Severity = min(100, r.Severity+a.Severity)
	a.Day, a.At, a.State = policy.Day(now), now, AlertNew
	rec := riskRecord("alert.raised", "plinth", a.ID, now, a.fact())
	a.Record = rec.ID
	first, err := w.store.AddAlert(ctx, a, rec)
	if err != nil || !first {
		return err
	}
	w.log.InfoContext(ctx, "risk alert", "alert", a.ID, "rule", a.Rule, "consumer", a.Consumer)
	if w.Raised != nil {
		w.Raised(a)
	}
	return rescore(ctx, w.store, a.Consumer, now)
}

// dayStart is when the district's day began.
func dayStart(now time.Time) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, policy.Day(now), policy.Shanghai)
	if err != nil {
		return now.Add(-24 * time.Hour)
	}
	return t
}
