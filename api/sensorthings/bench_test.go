package sensorthings_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"plinth/sensors"
)

// BenchmarkObservations answers questions about a month of one Datastream of a reading every ten seconds, 259,200 rows: a
// filtered page of a thousand as a data array, and the count of all that exceed a limit.
func BenchmarkObservations(b *testing.B) {
	d, s := open(b)
	const month = 30 * 24 * 360
	var rs []sensors.Reading
	for i := range month {
		at := noon.Add(time.Duration(i-month) * 10 * time.Second)
		rs = append(rs, sensors.Reading{Device: "sta-lift-2", Metric: "speed", At: at, Seq: uint64(i), Value: math.Abs(2 * math.Sin(float64(i)/50)), RX: at})
		if len(rs) == 50_000 || i == month-1 {
			if err := s.Readings.InsertReadings(b.Context(), rs); err != nil {
				b.Fatal(err)
			}
			rs = rs[:0]
		}
	}
	const stream = "/Datastreams('sta-lift-2:speed')/Observations"
	page := path(stream, "$filter", "phenomenonTime ge "+noon.AddDate(0, 0, -20).Format(time.RFC3339)+" and result gt 1.9",
		"$orderby", "phenomenonTime desc", "$top", "1000", "$resultFormat", "dataArray", "$select", "phenomenonTime,result")
	count := path(stream, "$filter", "result gt 1.9", "$count", "true", "$top", "1")
	var paged, counted time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		if code, body := d.do(b, "GET", page, ""); code != 200 || !json.Valid(body) || len(body) < 20_000 {
			b.Fatalf("%d, %d bytes", code, len(body))
		}
		paged += time.Since(start)
		start = time.Now()
		if code, body := d.do(b, "GET", count, ""); code != 200 {
			b.Fatalf("%d %s", code, body)
		}
		counted += time.Since(start)
	}
	b.ReportMetric(float64(paged.Microseconds())/1000/float64(b.N), "page-ms")
	b.ReportMetric(float64(counted.Microseconds())/1000/float64(b.N), "count-ms")
}
