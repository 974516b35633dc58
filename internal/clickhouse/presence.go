package clickhouse

import (
	"context"
	"fmt"
	"time"

	"plinth"
	"plinth/sensors/dossier"
)

// Presence reads how devices report. It is a dossier.Presence.
type Presence struct{ db *DB }

var _ dossier.Presence = (*Presence)(nil)

// NewPresence returns the presence of devices of db.
func NewPresence(db *DB) *Presence { return &Presence{db} }

// computed is how long after its end an hour is surely in reading_hour: its grace, and some more.
const computed = 15 * time.Minute

// Reported implements dossier.Presence. The period is cut into slots of an hour, or of a device's interval in whole hours
// when that is longer; of a slot that part counts for which there are readings, one for each interval. So a flood in one
// hour makes up for no other. Whole hours come from reading_hour, the newest from the rows; of a device's metrics the one
// with the most readings counts.
func (s *Presence) Reported(ctx context.Context, from, to time.Time) (map[plinth.DeviceID]time.Duration, error) {
	edge := to.Add(-computed).Truncate(time.Hour)
	rows, err := s.db.Query(asked(ctx), `
		SELECT device, sum(least(1., got / greatest(1, intDiv(len, every))) * len) FROM (
			SELECT h.device AS device, any(d.every) AS every, any(d.len) AS len, sum(h.n) AS got
			FROM (
				SELECT device, hour, max(n) AS n FROM (
					SELECT device, hour, n FROM plinth.reading_hour FINAL WHERE hour >= `+instant+` AND hour < `+instant+`
					UNION ALL
					SELECT device, toDateTime64(toStartOfHour(at), 3, 'UTC') AS hour, uniq(at) AS n FROM plinth.reading
					WHERE at >= `+instant+` AND at < `+instant+` GROUP BY device, metric, hour
				) GROUP BY device, hour
			) AS h
			INNER JOIN (
				SELECT id, toUInt64(interval_s) AS every, intDiv(every + 3599, 3600) * 3600 AS len FROM plinth.device FINAL WHERE interval_s > 0
			) AS d ON d.id = h.device
			GROUP BY device, intDiv(toUnixTimestamp64Milli(h.hour), d.len * 1000)
		) GROUP BY device`, millis(from), millis(edge), millis(edge), millis(to))
	if err != nil {
		return nil, fmt.Errorf("read presence: %w", tooMuch(translate(err)))
	}
	defer rows.Close()
	out := map[plinth.DeviceID]time.Duration{}
	for rows.Next() {
		var id string
		var seconds float64
		if err := rows.Scan(&id, &seconds); err != nil {
			return nil, fmt.Errorf("read presence: %w", err)
		}
		out[plinth.DeviceID(id)] = time.Duration(seconds * float64(time.Second))
	}
	return out, translate(rows.Err())
}

// Strangers implements dossier.Presence: the devices that dead letters name as not registered, by id. What a message said
// under a well-formed topic tells the kind; readings by HTTP and files name none.
func (s *Presence) Strangers(ctx context.Context, from, to time.Time, limit int) ([]dossier.Stranger, error) {
	rows, err := s.db.Query(asked(ctx), `
		SELECT extract(reason, '^the device "([a-z0-9][a-z0-9_-]{0,63})" is not registered') AS id,
			max(extract(source, '^plinth/v1/([a-z][a-z0-9_]{0,31})/')) AS kind
		FROM plinth.dead_letter WHERE at >= `+instant+` AND at < `+instant+` AND field IN ('topic', 'device') AND id <> ''
		GROUP BY id ORDER BY id LIMIT ?`, millis(from), millis(to), limit)
	if err != nil {
		return nil, fmt.Errorf("read strangers: %w", tooMuch(translate(err)))
	}
	defer rows.Close()
	var out []dossier.Stranger
	for rows.Next() {
		var id, kind string
		if err := rows.Scan(&id, &kind); err != nil {
			return nil, fmt.Errorf("read strangers: %w", err)
		}
		out = append(out, dossier.Stranger{ID: plinth.DeviceID(id), Kind: kind})
	}
	return out, translate(rows.Err())
}
