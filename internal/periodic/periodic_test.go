package periodic_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plinth/internal/periodic"
)

func TestTheFirstRunIsAtOnceOrAfterAnInterval(t *testing.T) {
	for name, c := range map[string]struct {
		s    periodic.Schedule
		want []time.Duration
	}{
		"at once": {periodic.AtOnce(time.Minute), []time.Duration{0, time.Minute, 2 * time.Minute}},
		"after":   {periodic.After(time.Minute), []time.Duration{time.Minute, 2 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Second)
				defer cancel()
				var got []time.Duration
				begun := time.Now()
				err := c.s.Run(ctx, func(context.Context) error { got = append(got, time.Since(begun)); return nil })
				if err != nil || !slices.Equal(got, c.want) {
					t.Errorf("ran after %v, %v; want %v", got, err, c.want)
				}
			})
		})
	}
}

func TestRunEndsWithTheFirstErrorAndTryGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+time.Second)
		defer cancel()
		n, broken := 0, errors.New("broken")
		fail := func(context.Context) error { n++; return broken }
		if err := periodic.AtOnce(time.Minute).Run(ctx, fail); err != broken || n != 1 {
			t.Errorf("Run returned %v after %d steps, want the error of the first", err, n)
		}
		n = 0
		var out bytes.Buffer
		err := periodic.After(time.Minute).Try(ctx, slog.New(slog.NewTextHandler(&out, nil)), "hours wait", fail)
		if told := strings.Count(out.String(), `level=WARN msg="hours wait" err=broken`); err != nil || n != 3 || told != 3 {
			t.Errorf("Try returned %v after %d steps of which %d were told, want 3:\n%s", err, n, told, &out)
		}
	})
}

func TestAnErrorOfTheEndIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := periodic.AtOnce(time.Minute).Run(ctx, func(ctx context.Context) error {
			cancel()
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("got %v, want nil: the context ended", err)
		}
	})
}
