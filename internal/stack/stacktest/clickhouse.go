package stacktest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"plinth/internal/clickhouse"
	"plinth/internal/stack"
)

// ClickHouse returns a running ClickHouse with the newest schema. It is shared by the tests of one process: name rows
// apart. With TEST_CLICKHOUSE_URL the user is TEST_CLICKHOUSE_USER, its password in TEST_CLICKHOUSE_PASSWORD_FILE.
func ClickHouse(t testing.TB) clickhouse.Config {
	t.Helper()
	c, err := clickhouseEngine()
	if err != nil {
		t.Fatal(err)
	}
	return c.cfg
}

// ClickHouseRunner returns the process of ClickHouse, for tests that kill it. It fails when the engine is not ours.
func ClickHouseRunner(t testing.TB) *stack.Runner {
	t.Helper()
	c, err := clickhouseEngine()
	if err != nil {
		t.Fatal(err)
	}
	if c.runner == nil {
		t.Fatal("TEST_CLICKHOUSE_URL is set: the engine is not ours to kill")
	}
	return c.runner
}

type clickhouseProcess struct {
	cfg    clickhouse.Config
	runner *stack.Runner
}

var clickhouseEngine = sync.OnceValues(func() (clickhouseProcess, error) {
	c, err := startClickHouse()
	if err != nil {
		return c, err
	}
	ctx := context.Background()
	db, err := clickhouse.Open(ctx, c.cfg)
	if err != nil {
		return c, err
	}
	defer db.Close()
	return c, db.Migrate(ctx)
})

func startClickHouse() (clickhouseProcess, error) {
	if url := os.Getenv("TEST_CLICKHOUSE_URL"); url != "" {
		password, err := os.ReadFile(os.Getenv("TEST_CLICKHOUSE_PASSWORD_FILE"))
		return clickhouseProcess{cfg: clickhouse.Config{URL: url, User: os.Getenv("TEST_CLICKHOUSE_USER"),
			Password: strings.TrimSpace(string(password))}}, err
	}
	home, err := dir("clickhouse")
	if err != nil {
		return clickhouseProcess{}, err
	}
	at, err := addr("clickhouse")
	if err != nil {
		return clickhouseProcess{}, err
	}
	p, err := stack.ClickHouse(home, at)
	if err != nil {
		return clickhouseProcess{}, err
	}
	r, err := run(p)
	if err != nil {
		return clickhouseProcess{}, err
	}
	password, err := os.ReadFile(filepath.Join(home, "password"))
	return clickhouseProcess{runner: r, cfg: clickhouse.Config{URL: "http://" + at, User: "svc",
		Password: strings.TrimSpace(string(password))}}, err
}
