package pipelines

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/sensors"
)

// ShadowChanges reads what of a replay is to be applied.
type ShadowChanges interface {
	// Changed returns at most limit rows that are flagged otherwise or gone, after a row, by metric, device, time and
	// sequence; the zero reading is before all.
	Changed(ctx context.Context, replay string, after sensors.Reading, limit int) ([]ShadowRow, error)
	// StoredNow returns the live rows of those of Changed after a row and up to another.
	StoredNow(ctx context.Context, replay string, after, last sensors.Reading) ([]sensors.Reading, error)
	// Mended returns at most limit ids of mended letters after one, in order.
	Mended(ctx context.Context, replay, after string, limit int) ([]string, error)
}

const applyPage = 5_000

// apply writes the rows that are judged otherwise as corrections: the same identity, newer. Hours and segments follow as
// they do after late rows. Doing it twice changes nothing.
func (t *trial) apply(ctx context.Context) error {
	t.change(func(r *Replay) { r.Applied.Rows = 0 })
	var after sensors.Reading
	for {
		page, err := t.Changes.Changed(ctx, t.r.ID, after, applyPage)
		if err != nil {
			return fmt.Errorf("read a replay's changes: %w", err)
		}
		if len(page) == 0 {
			return t.applyLetters(ctx)
		}
		last := page[len(page)-1].Reading
		live, err := t.Changes.StoredNow(ctx, t.r.ID, after, last)
		if err != nil {
			return fmt.Errorf("read live rows: %w", err)
		}
		if err := t.correct(ctx, page, live); err != nil {
			return err
		}
		after = last
	}
}

// correct stores the rows of page that are live as they were when they were replayed. A row that has changed since is
// someone else's newer word and stays.
func (t *trial) correct(ctx context.Context, page []ShadowRow, live []sensors.Reading) error {
	stored := make(map[identity]*sensors.Reading, len(live))
	for i := range live {
		stored[identityOf(live[i])] = &live[i]
	}
	var rows []sensors.Reading
	done, now := int64(0), t.Now().UTC().Truncate(time.Millisecond)
	for i := range page {
		s, was := page[i], stored[identityOf(page[i].Reading)]
		switch {
		case was == nil || was.Value != s.Value:
		case was.Flags == s.Flags:
			done++
		case was.Flags == s.Was:
			r := s.Reading
			if r.RX = now; !r.RX.After(was.RX) {
				r.RX = was.RX.Add(time.Millisecond)
			}
			rows = append(rows, r)
		}
	}
	if len(rows) > 0 {
		if err := t.Sink.InsertReadings(ctx, rows); err != nil {
			return fmt.Errorf("correct rows: %w", err)
		}
		if t.Letters != nil {
			if err := follow(ctx, t.Letters.Follower, rows); err != nil {
				return fmt.Errorf("have alarms looked at again: %w", err)
			}
		}
	}
	t.change(func(r *Replay) { r.Applied.Rows += done + int64(len(rows)) })
	return nil
}

// applyLetters replays the mended letters as their desk does, in the name of who decided.
func (t *trial) applyLetters(ctx context.Context) error {
	a := t.r.Applied
	by := plinth.Principal{Account: a.By, Name: a.Name, Department: a.Department}
	for after := ""; ; {
		ids, err := t.Changes.Mended(ctx, t.r.ID, after, replayLetters)
		if err != nil || len(ids) == 0 {
			return err
		}
		out, err := t.Letters.Replay(ctx, by, LetterFilter{IDs: ids}, nil, a.Why)
		if err != nil {
			return fmt.Errorf("replay mended letters: %w", err)
		}
		t.change(func(r *Replay) { r.Applied.Rows += out.Rows })
		after = ids[len(ids)-1]
	}
}
