package postgres

import (
	"context"

	"plinth/sensors/alarm"
)

// Follow tells each of every alarm that anyone changes from now on, in any process, as it stands soon after. It ends with
// ctx, or with ErrUnavailable or another error; what changes until it is called again is not told.
func (s *Alarms) Follow(ctx context.Context, each func(alarm.Alarm)) error {
	news := listener{db: s.db, channel: "alarm"}
	defer news.close()
	for {
		id, heard, err := news.wait(ctx)
		if err != nil || !heard {
			return err
		}
		changed, err := s.those(ctx, []alarm.Alarm{{ID: alarm.ID(id)}})
		if err != nil {
			return err
		}
		for _, a := range changed {
			each(a)
		}
	}
}
