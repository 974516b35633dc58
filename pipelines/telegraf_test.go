package pipelines_test

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plinth/internal/clickhouse"
	"plinth/internal/stack/stacktest"
)

// BenchmarkIngestOverTelegraf measures ours and Telegraf in turn, twice each: the same messages from the same generator
// through Mosquitto into ClickHouse, QoS 1, one observation a message. PLINTH_TELEGRAF names Telegraf's program;
// bench/telegraf.go builds it.
func BenchmarkIngestOverTelegraf(b *testing.B) {
	program := os.Getenv("PLINTH_TELEGRAF")
	if program == "" {
		b.Fatal("PLINTH_TELEGRAF does not name the program: run go run ./bench -only Telegraf")
	}
	w := load{devices: 1000, metrics: 1, messages: b.N}
	var ours, theirs float64
	for range 2 {
		ours += newFactory(b, w).run(b).Seconds()
		theirs += runTelegraf(b, program, w).Seconds()
	}
	b.ReportMetric(2*float64(b.N)/ours, "rows/s")
	b.ReportMetric(2*float64(b.N)/theirs, "telegraf-rows/s")
}

// runTelegraf is run with Telegraf in our place. Its rows count when they are in the table, as ours do.
func runTelegraf(t testing.TB, program string, w load) time.Duration {
	t.Helper()
	f := newFloor(t, w)
	err := f.db.Exec(t.Context(), `CREATE TABLE plinth.telegraf (timestamp DateTime64(3, 'UTC'), device LowCardinality(String),
		seq UInt64, value Float64) ENGINE = ReplacingMergeTree ORDER BY (device, timestamp, seq)`)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "telegraf.conf")
	if err := os.WriteFile(conf, []byte(f.telegrafConf()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config", conf, "--quiet")
	var said bytes.Buffer // kept apart from the benchmark's line
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Telegraf said:\n%s", said.Bytes())
		}
	}()
	rows := func() int { return f.count(t, `SELECT count() FROM plinth.telegraf`) }
	f.awaitSubscriber(t, rows)
	began := time.Now()
	f.publish(t, 0, w.messages)
	await(t, "Telegraf's rows", 10*time.Minute, func() bool { return rows() >= w.messages+1 })
	return time.Since(began)
}

// awaitSubscriber publishes one reading again and again until a row is there.
func (f *factory) awaitSubscriber(t testing.TB, rows func() int) {
	t.Helper()
	c := stacktest.NewPublisher(t, f.mqtt, stacktest.MosquittoFeeder, secret, "first")
	await(t, "the peer's subscription", time.Minute, func() bool {
		if rows() > 0 {
			return true
		}
		if err := c.Publish(f.devices[0].Topic(), message(nil, 1<<40, 1<<40, 1)); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
		return false
	})
	// The same reading several times is one row once the parts are merged.
	if err := f.db.Exec(t.Context(), "OPTIMIZE TABLE plinth.telegraf FINAL"); err != nil {
		t.Fatal(err)
	}
}

// telegrafConf is the peer's configuration: a session that outlives it, acknowledgement after the write, large batches
// in one transaction each.
func (f *factory) telegrafConf() string {
	dsn := url.URL{Scheme: "http", Host: f.clickhouse.listen, User: url.UserPassword(clickhouse.ServiceUser, f.password), Path: "/plinth"}
	return strings.NewReplacer("@BROKER@", f.service, "@USER@", stacktest.MosquittoService, "@SECRET@", secret, "@DSN@", dsn.String()).Replace(`
[agent]
  flush_interval = "200ms"
  metric_batch_size = 20000
  metric_buffer_limit = 200000
  omit_hostname = true

[[inputs.mqtt_consumer]]
  servers = ["@BROKER@"]
  topics = ["plinth/v1/water_quality/+/data"]
  topic_tag = ""
  name_override = "telegraf"
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  username = "@USER@"
  password = "@SECRET@"
  max_undelivered_messages = 40000
  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "plinth/v1/+/+/data"
    tags = "_/_/_/device/_"
  [[inputs.mqtt_consumer.json_v2]]
    timestamp_path = "at"
    timestamp_format = "2006-01-02T15:04:05.000Z07:00"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "seq"
      type = "uint"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "v.m0"
      rename = "value"
      type = "float"

[[outputs.sql]]
  driver = "clickhouse"
  data_source_name = "@DSN@"
  table_exists_template = "SELECT 1 FROM {TABLE} LIMIT 1"
  batch_transactions = true
`)
}
