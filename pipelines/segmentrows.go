package pipelines

import (
	"context"
	"time"

	"plinth"
	"plinth/ledger"
)

// EvidenceRows gives the ledger the stored rows of a window, as a segment's tree is made of them.
type EvidenceRows struct{ Rows SegmentRows }

// Readings returns the readings of a device in a window, in order of metric, time and the device's count.
func (r EvidenceRows) Readings(ctx context.Context, device string, from, to time.Time) ([]ledger.Reading, error) {
	rows, err := r.Rows.Window(ctx, []plinth.DeviceID{plinth.DeviceID(device)}, from, to)
	return EvidenceReadings(rows), err
}
