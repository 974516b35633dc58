package periodic_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
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

func TestRunEndsWithTheFirstError(t *testing.T) {
	n, broken := 0, errors.New("broken")
	err := periodic.AtOnce(time.Minute).Run(t.Context(), func(context.Context) error { n++; return broken })
	if err != broken || n != 1 {
		t.Errorf("Run returned %v after %d steps, want the error of the first", err, n)
	}
}

func TestTryGoesOnAndTellsATroubleWhenItBeginsChangesAndIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := []error{nil, errors.New("away"), errors.New("away"), errors.New("denied"), nil, nil, errors.New("away")}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(len(results))*time.Minute+time.Second)
		defer cancel()
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		n := 0
		err := periodic.After(time.Minute).Try(ctx, log, "hours wait", func(context.Context) error { n++; return results[n-1] })
		if err != nil || n != len(results) {
			t.Errorf("Try returned %v after %d steps, want %d", err, n, len(results))
		}
		want := `level=WARN msg="hours wait" err=away
level=WARN msg="hours wait" err=denied
level=INFO msg="over: hours wait"
level=WARN msg="hours wait" err=away
`
		if out.String() != want {
			t.Errorf("it told\n%swant\n%s", &out, want)
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
