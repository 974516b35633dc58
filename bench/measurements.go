package main

import "context"

// measurements are made in this order; the whole house comes last, since it takes the longest.
var measurements = []struct {
	what    string
	measure func(context.Context) ([]Result, error)
}{
	{"MQTT to ClickHouse", goBench("./pipelines", "BenchmarkIngest", "100000x",
		metric{name: "ingest_rows_per_s", unit: "rows/s", from: "rows/s", scale: 1})},
	{"decisions", goBench("./policy/rego", "BenchmarkDecide", "2s",
		metric{name: "decision_us", unit: "us", from: "ns/op", scale: 1e-3},
		metric{name: "decision_allocs", unit: "allocs", from: "allocs/op", scale: 1})},
	{"governed queries", goBench("./analytics", "BenchmarkGoverned", "20x",
		metric{name: "governed_over_raw", unit: "ms", from: "governed-ms", scale: 1, peer: "ClickHouse, same WHERE", peerFrom: "raw-ms"})},
	{"start and memory of the whole house", measureHouse},
}
