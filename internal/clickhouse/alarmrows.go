package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

var _ alarm.Rows = (*Readings)(nil)

// devicesAtOnce is how many devices one statement names, so that its text stays below the engine's 256 KiB.
const devicesAtOnce = 2_000

// Inserted implements alarm.Rows. Rows are streamed: after a long stop there are many.
func (s *Readings) Inserted(ctx context.Context, ds []plinth.DeviceID, rx time.Time, each func([]sensors.Reading)) error {
	for some := range slices.Chunk(ds, devicesAtOnce) {
		if err := s.inserted(ctx, some, rx, each); err != nil {
			return fmt.Errorf("read inserted readings: %w", err)
		}
	}
	return nil
}

func (s *Readings) inserted(ctx context.Context, ds []plinth.DeviceID, rx time.Time, each func([]sensors.Reading)) error {
	rows, err := s.db.Query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE rx >= `+instant+` AND device IN ? ORDER BY at, device, seq, metric`, millis(rx), ds2strings(ds))
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	var message []sensors.Reading
	for rows.Next() {
		var r sensors.Reading
		var device string
		var flags uint16
		if err := rows.Scan(&device, &r.Metric, &r.At, &r.Seq, &r.Value, &flags, &r.RX); err != nil {
			return err
		}
		r.Device, r.Flags, r.At, r.RX = plinth.DeviceID(device), sensors.Flags(flags), r.At.UTC(), r.RX.UTC()
		if len(message) > 0 && (message[0].Device != r.Device || !message[0].At.Equal(r.At) || message[0].Seq != r.Seq) {
			each(message)
			message = message[:0]
		}
		message = append(message, r)
	}
	if len(message) > 0 {
		each(message)
	}
	return translate(rows.Err())
}
