package pipelines

import (
	"context"
	"fmt"
	"time"

	"plinth/sensors"
)

// letters sends the open dead letters of the period through the code of the stream.
func (t *trial) letters(ctx context.Context) error {
	from, limit := t.r.From, replayLetters
	seen := map[string]bool{} // of the moment from
	for {
		page, err := t.Letters.Letters.Letters(ctx, LetterFilter{Pipeline: t.r.Pipeline, State: LetterOpen, From: from, To: t.r.To}, limit)
		if err != nil {
			return err
		}
		var out []ShadowLetter
		for i := range page {
			l := &page[i]
			if l.At.After(from) {
				from, seen = l.At, map[string]bool{}
			}
			if seen[l.ID] {
				continue
			}
			seen[l.ID] = true
			if len(t.r.Devices) > 0 && !t.chosen[l.Device] {
				continue
			}
			s, err := t.letter(ctx, l)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		if err := t.Shadow.InsertShadowLetters(ctx, t.r.ID, out); err != nil {
			return err
		}
		if len(page) < limit {
			return nil
		}
		if !page[len(page)-1].At.After(page[0].At) {
			limit *= 2 // more than a page of one moment
		}
	}
}

// letter sends one letter into the shadow.
func (t *trial) letter(ctx context.Context, l *Letter) (ShadowLetter, error) {
	caught := &caughtRows{}
	s := t.Letters.Stream
	s.Watch, s.Sink, s.Decider, s.Feed, s.Meter = sensors.NewWatch(t.Now), caught, nil, nil, &Meter{}
	desk := LetterDesk{Stream: s, Now: t.Now}
	n, again, err := desk.send(ctx, l)
	if err != nil {
		return ShadowLetter{}, err
	}
	if again != nil {
		return ShadowLetter{ID: l.ID, Came: LetterAgain, Field: again.Field, Reason: clip(again.Reason, 1000)}, nil
	}
	for i := range caught.rows {
		row, err := t.mended(ctx, &caught.rows[i])
		if err != nil {
			return ShadowLetter{}, err
		}
		if row.Came != RowSame {
			t.rows = append(t.rows, row)
		}
	}
	if len(t.rows) >= 2*replayPage {
		err = t.flush(ctx)
	}
	return ShadowLetter{ID: l.ID, Came: LetterMended, Rows: n}, err
}

// mended compares a row of a mended letter with what is stored; a letter may hold values that were good.
func (t *trial) mended(ctx context.Context, r *sensors.Reading) (ShadowRow, error) {
	out := ShadowRow{Reading: *r, Came: RowAdded}
	stored, err := t.Known.Known(ctx, r.Device, r.Metric, []time.Time{r.At})
	if err != nil {
		return out, fmt.Errorf("compare a mended letter: %w", err)
	}
	for _, s := range stored {
		if s.Seq != r.Seq {
			continue
		}
		if out.Was, out.Came = s.Flags, RowValue; s.Value == r.Value {
			out.Came = RowSame
		}
	}
	return out, nil
}

// caughtRows is a sink that keeps what would be stored in hand.
type caughtRows struct {
	Sink
	rows []sensors.Reading
}

// InsertReadings implements Sink.
func (s *caughtRows) InsertReadings(_ context.Context, rs []sensors.Reading) error {
	s.rows = append(s.rows, rs...)
	return nil
}
