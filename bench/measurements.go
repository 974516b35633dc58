package main

import "context"

// measurements are made in this order; the whole house comes last, since it takes the longest.
var measurements = []struct {
	what    string
	measure func(context.Context) ([]Result, error)
}{
	{"a record under a checkpoint that is trusted already, in a tree of 10^8", goBench("./ledger", "BenchmarkIncludes", "2s",
		metric{name: "verify_trusted_ns", unit: "ns", from: "ns/op", scale: 1},
		metric{name: "verify_trusted_allocs", unit: "allocs", from: "allocs/op", scale: 1})},
	{"a receipt from a tree of 10^8, verified with certificate chains of two organisations", goBench("./ledger", "BenchmarkVerify", "2s",
		metric{name: "verify_cold_us", unit: "us", from: "ns/op", scale: 1e-3},
		metric{name: "receipt_bytes", unit: "B, certificates by reference", from: "bytes-by-reference", scale: 1},
		metric{name: "receipt_bytes_full", unit: "B, as COSE", from: "bytes-cose", scale: 1},
		metric{name: "receipt_bytes_full_text", unit: "B, as text", from: "bytes-full", scale: 1})},
	{"the log: entries of 256 B, synced, read back and signed", goBench("./ledger/sequencer", "BenchmarkAppend", "50x",
		metric{name: "log_leaves_per_s", unit: "leaves/s", from: "leaves/s", scale: 1})},
	{"an audit: the tree of ten million entries, and data of record", goBench("./ledger/audit", "BenchmarkAudit10M", "1x",
		metric{name: "audit_10m_s", unit: "s", from: "tree-s", scale: 1},
		metric{name: "audit_data_10m_s", unit: "s", from: "data-us/record", scale: 10})},
	{"the log beside Tessera: durable appends of 256 B, each acknowledged by itself", measureAppends},
	{"receipts served", goBench("./ledger/sequencer", "BenchmarkReceipt/random", "5s",
		metric{name: "receipts_per_s", unit: "receipts/s", from: "receipts/s", scale: 1})},
	{"records in batch receipts served", goBench("./ledger/sequencer", "BenchmarkBatchReceipt", "5s",
		metric{name: "batch_receipts_per_s", unit: "records/s", from: "records/s", scale: 1})},
	{"a checkpoint, anchored and committed on Fabric", goBench("./ledger/fabric", "BenchmarkAnchor", "50x",
		metric{name: "anchor_p50_ms", unit: "ms", from: "p50-ms", scale: 1},
		metric{name: "anchor_p95_ms", unit: "ms", from: "p95-ms", scale: 1})},
	{"records per commit, with the check on the chain, beside one record per transaction", asRatio(goBench("./ledger/fabric", "BenchmarkRecordsPerCommit", "20x",
		metric{name: "records_per_commit_over_single", unit: "records/s by anchors of 100 000", from: "records/s", scale: 1,
			peer: "one record per transaction", peerFrom: "single/s"}))},
	{"from acceptance to an attested receipt, at 100 000 records/s", goBench("./ledger/fabric", "BenchmarkAcceptedToReceipt", "60000x",
		metric{name: "receipt_p99_s", unit: "s", from: "p99-s", scale: 1})},
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
