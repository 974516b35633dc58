package clickhouse

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

var _ alarm.Rows = (*Readings)(nil)

// Inserted implements alarm.Rows. Rows are streamed: after a long stop there are many.
func (s *Readings) Inserted(ctx context.Context, rx time.Time, each func([]sensors.Reading)) error {
	rows, err := s.db.Query(ctx, `
		SELECT device, metric, at, seq, value, flags, rx FROM plinth.reading FINAL
		WHERE rx >= `+instant+` ORDER BY at, device, seq, metric`, millis(rx))
	if err != nil {
		return fmt.Errorf("read inserted readings: %w", translate(err))
	}
	defer rows.Close()
	var message []sensors.Reading
	for rows.Next() {
		var r sensors.Reading
		var device string
		var flags uint16
		if err := rows.Scan(&device, &r.Metric, &r.At, &r.Seq, &r.Value, &flags, &r.RX); err != nil {
			return fmt.Errorf("read inserted readings: %w", err)
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
