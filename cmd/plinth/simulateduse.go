package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"plinth"
	"plinth/analytics"
	"plinth/internal/district"
	"plinth/policy"
	"plinth/security"
)

// Times of the simulated consumers.
const (
	pastDays     = 28               // of habit before the house stood, as far back as the risk rules look
	settleAgain  = 5 * time.Second  // after a fault while people and grants are made
	firstLookGap = time.Second      // between the first looks of the day
	misuseAfter  = 30 * time.Second // from the start, so that whoever came to look sees it happen
	misuseGap    = 2 * time.Second
	misusePasses = 40 // reads of everything at most
	caughtGap    = 15 * time.Second
	caughtLooks  = 80 // looks after the alert at most
)

// misuser is the consumer that leaves its habit soon after the start: a quiet office that asks few things a day.
const misuser = "health-cdc"

// consume lets the simulated consumers live. It never ends the house: what does not work now is tried again.
func (h *house) consume(ctx context.Context, d *district.District) error {
	var readers []reader
	for {
		var err error
		if readers, err = h.settle(ctx, d); err == nil {
			break
		}
		if ctx.Err() == nil {
			h.log.WarnContext(ctx, "simulated consumers not settled yet", "err", err)
		}
		if !pause(ctx, settleAgain) {
			return nil
		}
	}
	h.log.InfoContext(ctx, "simulated consumers settled", "count", len(readers))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { h.replay(ctx, d, readers); return nil })
	if i := slices.IndexFunc(readers, func(r reader) bool { return r.Account == misuser }); i >= 0 {
		g.Go(func() error { h.misuse(ctx, readers[i]); return nil })
	}
	return g.Wait()
}

// settle makes people, grants and habits, as far as they are not there yet.
func (h *house) settle(ctx context.Context, d *district.District) ([]reader, error) {
	b, err := h.openBackstage(ctx)
	if err != nil {
		return nil, err
	}
	readers, err := b.readers(ctx, d.Consumers())
	if err != nil {
		return nil, err
	}
	return readers, h.uses.risk.SimulatePast(ctx, pastOf(d, readers, h.now()))
}

// pastOf sums the consumers' habitual queries of the days before today. What the story says of misuse in the past is
// left out, since nobody watched and no alert tells of it.
func pastOf(d *district.District, readers []reader, now time.Time) []security.Use {
	today, _ := time.ParseInLocation(time.DateOnly, policy.Day(now), policy.Shanghai) // Day is of this form
	days := map[[2]string]*security.Use{}
	for _, q := range d.Queries(today.AddDate(0, 0, -pastDays), today) {
		i := slices.IndexFunc(readers, func(r reader) bool { return r.Account == q.Consumer })
		if i < 0 || q.Misuse != district.Habit {
			continue
		}
		key := [2]string{q.Consumer, policy.Day(q.At)}
		if days[key] == nil {
			days[key] = &security.Use{Consumer: readers[i].account, Department: plinth.AgentID(q.Account.Department),
				Dataset: readers[i].dataset, Day: key[1]}
		}
		days[key].Queries++
		days[key].Rows += int64(q.Rows)
	}
	out := make([]security.Use, 0, len(days))
	for _, u := range days {
		out = append(out, *u)
	}
	return out
}

// replay asks what the story has the consumers ask, when it has them ask it. A consumer that has not used anything
// today looks once at the start.
func (h *house) replay(ctx context.Context, d *district.District, readers []reader) {
	day := policy.Day(h.now())
	for _, r := range readers {
		used, err := h.uses.risk.Uses(ctx, r.account, "", day, day)
		if err == nil && len(used) == 0 {
			_ = h.look(ctx, r, r.Purpose, int(r.Rows))
		}
		if !pause(ctx, firstLookGap) {
			return
		}
	}
	for from := h.now(); ; from = from.Add(time.Hour) {
		for _, q := range d.Queries(from, from.Add(time.Hour)) {
			if !pause(ctx, q.At.Sub(h.now())) {
				return
			}
			if i := slices.IndexFunc(readers, func(r reader) bool { return r.Account == q.Consumer }); i >= 0 {
				_ = h.look(ctx, readers[i], q.Purpose, q.Rows)
			}
		}
		if !pause(ctx, from.Add(time.Hour).Sub(h.now())) {
			return
		}
	}
}

// look is one query of a consumer through the governor, like anybody's. An account that was disabled asks no more.
func (h *house) look(ctx context.Context, r reader, why string, rows int) error {
	a, err := h.accounts.Account(ctx, r.account)
	if err != nil {
		return err
	}
	if a.Disabled {
		return plinth.Errorf(plinth.ErrDenied, "the account is disabled")
	}
	rows = min(max(rows, 1), analytics.MaxQueryRows)
	_, err = h.uses.governor.Run(ctx, a.Principal(), analytics.Query{Grant: r.grant, Purpose: purpose(why), Text: r.text(rows), MaxRows: rows})
	if err != nil && !errors.Is(err, plinth.ErrDenied) && ctx.Err() == nil {
		h.log.WarnContext(ctx, "simulated query not answered", "consumer", r.Account, "err", err)
	}
	return err
}

// misuse has one consumer read everything again and again until somebody notices, once a day. Then it goes on as if
// nothing had happened, until it is denied or tires: whoever contains it sees the next query refused.
func (h *house) misuse(ctx context.Context, r reader) {
	if already, _ := h.caught(ctx, r); already || !pause(ctx, misuseAfter) {
		return
	}
	for range misusePasses {
		caught, err := h.caught(ctx, r)
		if caught {
			break
		}
		if err == nil && errors.Is(h.look(ctx, r, r.Purpose, analytics.MaxQueryRows), plinth.ErrDenied) || !pause(ctx, misuseGap) {
			return
		}
	}
	for range caughtLooks {
		if errors.Is(h.look(ctx, r, r.Purpose, 1), plinth.ErrDenied) || !pause(ctx, caughtGap) {
			return
		}
	}
}

// caught tells whether the risk rules raised an alert about the consumer's volume today.
func (h *house) caught(ctx context.Context, r reader) (bool, error) {
	now := h.now()
	alerts, err := h.uses.risk.AlertsOf(ctx, r.account, now.AddDate(0, 0, -1))
	return slices.ContainsFunc(alerts, func(a security.Alert) bool {
		return a.Rule == security.RuleVolume && a.Day == policy.Day(now)
	}), err
}

// pause waits, and tells whether there is anything left to wait for.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
