package pipelines_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/district"
	"plinth/pipelines"
	"plinth/sensors"
)

// BenchmarkBytesPerRow measures what a reading of the district takes on disk once its parts are merged. Run it with
// -benchtime 24x: as many hours are stored.
func BenchmarkBytesPerRow(b *testing.B) {
	f := newFloor(b, load{})
	from := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	d := district.New(district.Config{Start: from})
	network := rand.New(rand.NewPCG(1, 2))
	var rows []sensors.Reading
	flush := func() {
		if err := f.sink.InsertReadings(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
		rows = rows[:0]
	}
	for r := range d.Readings(from, from.Add(time.Duration(b.N)*time.Hour)) {
		if rows = append(rows, stored(b, network, r)...); len(rows) >= pipelines.MaxRows {
			flush()
		}
	}
	flush()
	if err := f.db.Exec(b.Context(), "OPTIMIZE TABLE plinth.reading FINAL"); err != nil {
		b.Fatal(err)
	}
	var n, bytes uint64
	err := f.db.QueryRow(b.Context(), `SELECT sum(rows), sum(bytes_on_disk) FROM system.parts
		WHERE database = 'plinth' AND table = 'reading' AND active`).Scan(&n, &bytes)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(bytes)/float64(n), "B/row")
	b.ReportMetric(float64(n), "rows")
	logColumns(b, f.db, n)
}

// stored are the rows of a message as they are stored a moment later: it travels for up to 80 ms, waits for its batch,
// and each batch's insert begins a little after it is due.
func stored(t testing.TB, network *rand.Rand, r district.Reading) []sensors.Reading {
	t.Helper()
	var m struct{ V map[string]float64 }
	if err := json.Unmarshal(r.Payload(), &m); err != nil {
		t.Fatal(err)
	}
	arrived := r.At.Add(time.Duration(network.IntN(80)) * time.Millisecond)
	rx := arrived.Truncate(pipelines.MaxAge).Add(pipelines.MaxAge + time.Duration(network.IntN(20))*time.Millisecond)
	var rows []sensors.Reading
	for _, metric := range r.Device.Metrics {
		if v, ok := m.V[metric.Name]; ok {
			rows = append(rows, sensors.Reading{Device: plinth.DeviceID(r.Device.ID), Metric: metric.Name, At: r.At, Seq: r.Seq, Value: v, RX: rx})
		}
	}
	return rows
}

func logColumns(t testing.TB, db *clickhouse.DB, n uint64) {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT column, sum(column_data_compressed_bytes) FROM system.parts_columns
		WHERE database = 'plinth' AND table = 'reading' AND active GROUP BY column ORDER BY column`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var column string
		var bytes uint64
		if err := rows.Scan(&column, &bytes); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.3f B/row", column, float64(bytes)/float64(n))
	}
}
