package main

import "context"

// measurements are made in this order; the whole house comes last, since it takes the longest.
var measurements = []struct {
	what    string
	measure func(context.Context) ([]Result, error)
}{
	{"a receipt, verified with certificate chains of two organisations", goBench("./ledger", "BenchmarkVerify", "2s",
		metric{name: "verify_us", unit: "us", from: "ns/op", scale: 1e-3})},
	{"the log: entries of 256 B, synced, read back and signed", goBench("./ledger/sequencer", "BenchmarkAppend", "50x",
		metric{name: "log_leaves_per_s", unit: "leaves/s", from: "leaves/s", scale: 1})},
	{"an audit: the tree of ten million entries, and data of record", goBench("./ledger/audit", "BenchmarkAudit10M", "1x",
		metric{name: "audit_10m_s", unit: "s", from: "tree-s", scale: 1},
		metric{name: "audit_data_10m_s", unit: "s", from: "data-us/record", scale: 10})},
	{"a checkpoint, anchored and committed on Fabric", goBench("./ledger/fabric", "BenchmarkAnchor", "50x",
		metric{name: "anchor_p50_ms", unit: "ms", from: "p50-ms", scale: 1},
		metric{name: "anchor_p95_ms", unit: "ms", from: "p95-ms", scale: 1})},
	{"MQTT QoS 1 to ClickHouse, acknowledged after the insert", goBench("./pipelines", "BenchmarkIngest", "100000x",
		metric{name: "ingest_rows_per_s", unit: "rows/s", from: "rows/s", scale: 1})},
	{"decisions by OPA", goBench("./policy/rego", "BenchmarkDecide", "2s",
		metric{name: "decision_us", unit: "us", from: "ns/op", scale: 1e-3},
		metric{name: "decision_allocs", unit: "allocs", from: "allocs/op", scale: 1})},
	{"a governed query beside the same query", goBench("./analytics", "BenchmarkGoverned", "20x",
		metric{name: "governed_over_raw", unit: "ms", from: "governed-ms", scale: 1, peer: "ClickHouse, same WHERE", peerFrom: "raw-ms"})},
	{"fusion of events into incidents", goBench("./analytics", "BenchmarkAssign", "2s",
		metric{name: "fusion_events_per_s", unit: "events/s", from: "events/s", scale: 1})},
	{"start and memory of the whole house", measureHouse},
}
