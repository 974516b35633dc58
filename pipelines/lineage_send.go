package pipelines

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"plinth/ledger"
)

// LineageSteps reads the runs' steps, and keeps which of them a collector has.
type LineageSteps interface {
	// Untold returns steps of runs that began since a moment and that no collector has, the oldest first.
	Untold(ctx context.Context, since time.Time, limit int) ([]LineageStep, error)
	// Told notes that the collector has a step. It is durable when it returns.
	Told(ctx context.Context, s LineageStep) error
}

// LineageSender posts OpenLineage events to a collector. It reads the stored runs, so that nothing waits for it and
// nothing is lost while the collector is away or the service is down. An event that the collector refuses for good is
// counted and not sent again; one may be sent twice, with the same run id.
type LineageSender struct {
	URL     string
	Steps   LineageSteps
	Sink    func(ctx context.Context, pipeline string) Target // of a pipeline; empty when it is not known
	Client  *http.Client
	Now     func() time.Time
	Log     *slog.Logger
	Sent    atomic.Int64
	Refused atomic.Int64
}

// Bounds of the sending.
const (
	lineageBatch  = 100
	lineageEvery  = 5 * time.Second
	lineageAtMost = 5 * time.Minute // between attempts while the collector is away
	lineageAge    = 30 * 24 * time.Hour
)

// Run sends until ctx ends.
func (l *LineageSender) Run(ctx context.Context) error {
	for pause := lineageEvery; ; {
		if err := l.Send(ctx); err == nil {
			pause = lineageEvery
		} else if ctx.Err() == nil {
			l.Log.WarnContext(ctx, "lineage waits", "err", err, "pause", pause)
			pause = min(2*pause, lineageAtMost)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Send sends what the collector does not have yet.
func (l *LineageSender) Send(ctx context.Context) error {
	for {
		steps, err := l.Steps.Untold(ctx, l.Now().Add(-lineageAge), lineageBatch)
		if err != nil || len(steps) == 0 {
			return err
		}
		for _, s := range steps {
			if err := l.post(ctx, s.Lineage(l.Sink(ctx, s.Run.Pipeline))); err != nil {
				return err
			}
			if err := l.Steps.Told(ctx, s); err != nil {
				return err
			}
		}
	}
}

func (l *LineageSender) post(ctx context.Context, e ledger.RunEvent) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("lineage event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post lineage: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := l.Client.Do(req)
	if err != nil {
		return fmt.Errorf("post lineage: %w", err)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
	switch c := res.StatusCode; {
	case c/100 == 2:
		l.Sent.Add(1)
	case c == http.StatusRequestTimeout, c == http.StatusTooManyRequests, c/100 != 4, c == http.StatusUnauthorized, c == http.StatusForbidden, c == http.StatusNotFound:
		return fmt.Errorf("post lineage: the collector answers %s", res.Status)
	default:
		l.Refused.Add(1)
		l.Log.WarnContext(ctx, "lineage event refused by the collector", "run", e.Run.RunID, "status", c)
	}
	return nil
}
