package pipelines

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"plinth"
	"plinth/internal/periodic"
)

// SeriesHour is one hour of one metric of one device.
type SeriesHour struct {
	Device plinth.DeviceID
	Metric string
	Hour   time.Time // its start
}

// HourRows computes hours of the stored rows.
type HourRows interface {
	// TouchedHours returns, each once, the hours of the rows inserted in a stretch of time.
	TouchedHours(ctx context.Context, from, to time.Time) ([]SeriesHour, error)
	// ComputeHour computes one hour of a metric of devices anew from all stored rows, each counted once. It is durable
	// when it returns, and a later version replaces an earlier one.
	ComputeHour(ctx context.Context, metric string, hour time.Time, ds []plinth.DeviceID, version time.Time) error
}

// HourStore keeps the work list of hours. Each call is one transaction, durable when it returns.
type HourStore interface {
	// HourCursor is the insertion time up to which hours have been put on the list; zero at first.
	HourCursor(ctx context.Context) (time.Time, error)
	// DueHours puts hours on the list, each with the time from when it is due, and moves the cursor.
	DueHours(ctx context.Context, hs []SeriesHour, due []time.Time, cursor time.Time) error
	// NextHours returns due hours of one hour and metric, the oldest first.
	NextHours(ctx context.Context, now time.Time, limit int) ([]SeriesHour, error)
	// DoneHours takes hours off the list.
	DoneHours(ctx context.Context, hs []SeriesHour) error
}

// Hours keeps one row per device, metric and hour that always equals what its stored rows give. In time, late, replayed
// or corrected: a row that is inserted puts its hour on the work list, and an hour on the list is computed anew from all
// its rows. One runs per deployment. It is safe to kill at any point: an hour leaves the list after it is stored, and
// computing it twice gives the same.
type Hours struct {
	Rows  HourRows
	Store HourStore
	// Settle is how long after its rx a row may become visible; at least InsertTimeout.
	Settle time.Duration
	// Grace is how long after its end an hour waits for rows before it is computed for the first time. An hour that is
	// under way is not computed: its rows would be read again and again.
	Grace time.Duration
	// Lag is how long a late row waits for company.
	Lag   time.Duration
	Every time.Duration
	Now   func() time.Time
	Log   *slog.Logger

	listed map[SeriesHour]bool // on the list, so far as this process knows; spares the store
}

// NewHours returns Hours with the usual times: an hour is there three minutes after its end, and right again a minute
// after a late row.
func NewHours(rows HourRows, store HourStore, now func() time.Time, log *slog.Logger) *Hours {
	return &Hours{Rows: rows, Store: store, Settle: InsertTimeout + 2*time.Second, Grace: 2 * time.Minute, Lag: 20 * time.Second,
		Every: 20 * time.Second, Now: now, Log: log}
}

// Bounds of the work: series computed at once, and series remembered as listed.
const (
	hourGroup  = 2_000
	hourListed = 500_000
)

// Run works until ctx ends.
func (h *Hours) Run(ctx context.Context) error {
	return periodic.AtOnce(h.Every).Try(ctx, h.Log, "hours wait", h.Work)
}

// Work lists the hours of newly inserted rows and computes those that are due.
func (h *Hours) Work(ctx context.Context) error {
	if err := h.collect(ctx); err != nil {
		return err
	}
	for {
		n, err := h.compute(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// hourStretch is how much of the insertion time is looked at in one go, so that a long absence is caught up in pieces.
const hourStretch = time.Hour

func (h *Hours) collect(ctx context.Context) error {
	from, err := h.Store.HourCursor(ctx)
	if err != nil {
		return fmt.Errorf("read cursor of hours: %w", err)
	}
	end := h.Now().Add(-h.Settle).Truncate(time.Millisecond)
	for end.After(from) {
		to := end
		if !from.IsZero() && to.Sub(from) > hourStretch {
			to = from.Add(hourStretch)
		}
		if err := h.list(ctx, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (h *Hours) list(ctx context.Context, from, to time.Time) error {
	touched, err := h.Rows.TouchedHours(ctx, from, to)
	if err != nil {
		return err
	}
	if h.listed == nil || len(h.listed) > hourListed {
		h.listed = map[SeriesHour]bool{}
	}
	var fresh []SeriesHour
	var due []time.Time
	for _, t := range touched {
		if !h.listed[t] {
			fresh, due = append(fresh, t), append(due, h.due(t.Hour))
		}
	}
	if err := h.Store.DueHours(ctx, fresh, due, to); err != nil {
		return fmt.Errorf("list hours: %w", err)
	}
	for _, t := range fresh {
		h.listed[t] = true
	}
	return nil
}

// due is when an hour that was touched now is to be computed.
func (h *Hours) due(hour time.Time) time.Time {
	now := h.Now()
	if ready := hour.Add(time.Hour + h.Grace); now.Before(ready) && !hour.After(now) {
		return ready
	}
	return now.Add(h.Lag)
}

// compute computes a group of due hours and returns how many they were.
func (h *Hours) compute(ctx context.Context) (int, error) {
	group, err := h.Store.NextHours(ctx, h.Now(), hourGroup)
	if err != nil || len(group) == 0 {
		return 0, err
	}
	ds := make([]plinth.DeviceID, len(group))
	for i, g := range group {
		ds[i] = g.Device
		delete(h.listed, g)
	}
	if err := h.Rows.ComputeHour(ctx, group[0].Metric, group[0].Hour, ds, h.Now()); err != nil {
		return 0, err
	}
	if err := h.Store.DoneHours(ctx, group); err != nil {
		return 0, fmt.Errorf("take hours off the list: %w", err)
	}
	return len(group), nil
}
