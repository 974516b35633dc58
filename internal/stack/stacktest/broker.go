package stacktest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"plinth/internal/stack"
)

// Broker returns the running MQTT broker and its service user; the file of users is "users" beside the password file.
func Broker(t testing.TB) stack.Endpoint {
	t.Helper()
	b, err := startBroker()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var startBroker = sync.OnceValues(func() (stack.Endpoint, error) {
	if url := os.Getenv("TEST_BROKER_URL"); url != "" {
		return stack.Endpoint{URL: url, User: "plinth", PasswordFile: os.Getenv("TEST_BROKER_PASSWORD_FILE")}, nil
	}
	home, err := dir("broker")
	if err != nil {
		return stack.Endpoint{}, err
	}
	at, err := addr("broker")
	if err != nil {
		return stack.Endpoint{}, err
	}
	p, err := stack.Broker(home, at)
	if err != nil {
		return stack.Endpoint{}, err
	}
	_, err = run(p)
	return stack.Endpoint{URL: "tcp://" + at, User: "plinth", PasswordFile: filepath.Join(home, "password")}, err
})
