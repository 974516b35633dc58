package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plinth/internal/periodic"
	"plinth/internal/stack"
	"plinth/internal/stack/broker"
	"plinth/pipelines"
)

// brokerTLS is how the service verifies the broker; nil speaks in clear.
func (c BrokerConfig) brokerTLS() (*tls.Config, error) {
	if !strings.HasPrefix(c.URL, "ssl:") {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return t, nil
	}
	data, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("broker-ca-file: %s holds no certificate in PEM", c.CAFile)
	}
	return t, nil
}

// sessionName is what the names of our sessions at the broker begin with. Who connects under a session's name takes it
// over, so at a local broker it ends with something that no device knows; another broker must bind names to users.
func (h *house) sessionName() (string, error) {
	name := h.cfg.Ledger.Name + "-ingest"
	if h.cfg.Broker.UsersFile == "" {
		return name, nil
	}
	path := filepath.Join(filepath.Dir(h.cfg.Broker.UsersFile), "session")
	own, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		own, err = makeSession(path)
	}
	if err != nil {
		return "", fmt.Errorf("name of the sessions at the broker: %w", err)
	}
	return name + "-" + own, nil
}

// makeSession writes a new name, or reads that of another member who was faster: all must have the same.
func makeSession(path string) (string, error) {
	own := path + "." + strings.ToLower(rand.Text())
	if err := os.WriteFile(own, []byte(strings.ToLower(rand.Text())), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(own)
	if err := os.Link(own, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return readSecret(path)
}

// refusedEvery is how often the service asks what a local broker refused.
const refusedEvery = time.Second

// refusals makes dead letters of what the local broker refused: to a device it acknowledges what it drops.
type refusals struct {
	dir   string
	sink  pipelines.Sink
	count *prometheus.CounterVec
}

// watchRefused keeps what a local broker refuses; another broker tells its own operators.
func (h *house) watchRefused() {
	if h.cfg.Broker.UsersFile == "" {
		return
	}
	r := refusals{stack.RefusedDir(h.cfg.Broker.UsersFile), h.streams.sink, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "plinth_broker_refused_total", Help: "What the local broker did not let a user do."}, []string{"what"})}
	h.registry.MustRegister(r.count)
	h.again("broker refusals", periodic.After(refusedEvery), "refusals of the broker wait", r.take)
}

// take stores what was refused since the last time. What cannot be stored stays in its file.
func (r refusals) take(ctx context.Context) error {
	return broker.TakeRefused(r.dir, func(rs []broker.Refused) error {
		dead := make([]pipelines.DeadLetter, len(rs))
		for i, f := range rs {
			dead[i] = refusedLetter(f)
		}
		if err := r.sink.InsertDeadLetters(ctx, dead); err != nil {
			return err
		}
		for _, f := range rs {
			r.count.WithLabelValues(f.What).Add(float64(f.N))
		}
		return nil
	})
}

func refusedLetter(f broker.Refused) pipelines.DeadLetter {
	reason := map[string]string{
		"publish":   "%q published to a topic that is not its own; the broker dropped it (%d times)",
		"subscribe": "%q asked for messages that it may not read; the broker refused (%d times)",
		"sign in":   "%q came without a valid credential; the broker refused (%d times)",
		"size":      "%q sent a message of more than 1 MiB; the broker cut the session without reading it (%d times)",
		"client id": "%q came under a client id that is not its own; the broker cut the session (%d times)",
	}[f.What]
	if reason == "" {
		reason = "%q was refused by the broker (%d times)"
	}
	return pipelines.DeadLetter{At: f.At, Source: "broker/" + f.User, Field: f.What, Reason: fmt.Sprintf(reason, f.User, f.N), Payload: f.Topic}
}
