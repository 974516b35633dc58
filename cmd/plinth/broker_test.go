package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"plinth/pipelines"
)

func TestABrokerInTheOpenNeedsTLS(t *testing.T) {
	for flags, want := range map[string]string{
		"--broker-listen 0.0.0.0:8883": "broker-listen", "--broker-listen nowhere": "broker-listen",
		"--broker-cert-file /dev/null": "broker-key-file", "--broker-listen 127.0.0.1:1883": "", "--broker-tls --broker-listen :8883": "",
	} {
		err := run(t.Context(), append([]string{"config", "check"}, strings.Fields(flags)...))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", flags, err, want)
		}
	}
}

// refusedSink is a sink of dead letters that fails as long as err is set.
type refusedSink struct {
	pipelines.Sink
	got []pipelines.DeadLetter
	err error
}

func (l *refusedSink) InsertDeadLetters(_ context.Context, ds []pipelines.DeadLetter) error {
	if l.err == nil {
		l.got = append(l.got, ds...)
	}
	return l.err
}

func TestWhatTheBrokerRefusedBecomesADeadLetterOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "1.json"), `[{"at":"2026-11-24T12:00:00Z","what":"publish","user":"lift-0001","topic":"plinth/v1/lift/lift-0002/data","n":3}]`)
	sink := &refusedSink{err: errors.New("away")}
	r := refusals{dir, sink, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"what"})}
	if err := r.take(t.Context()); err == nil {
		t.Error("an unstored refusal was taken")
	}
	sink.err = nil
	for range 2 {
		if err := r.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(sink.got) != 1 || !strings.Contains(sink.got[0].Reason, "lift-0001") || sink.got[0].Payload != "plinth/v1/lift/lift-0002/data" {
		t.Errorf("dead letters %+v", sink.got)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(r.count)
	if m, err := metrics.Gather(); err != nil || len(m) != 1 || m[0].Metric[0].Counter.GetValue() != 3 {
		t.Errorf("counted %v, %v, want 3", m, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
