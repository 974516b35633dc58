package stack

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// clickhouseUser is the service's user of the embedded engine.
const clickhouseUser = "svc"

// ClickHouse prepares the folder of the embedded ClickHouse and describes its process.
func ClickHouse(dir, addr string) (Process, error) {
	if _, err := secretFile(filepath.Join(dir, "password")); err != nil {
		return Process{}, err
	}
	engines, err := EnginesDir()
	if err != nil {
		return Process{}, fmt.Errorf("%w\nor point at a running ClickHouse: PLINTH_CLICKHOUSE_URL=http://…", err)
	}
	self, err := os.Executable()
	if err != nil {
		return Process{}, err
	}
	return Process{
		Name: "clickhouse", Path: self, Dir: dir,
		Args: []string{"engine", "clickhouse", "--dir", filepath.Join(dir, "store"), "--listen", addr,
			"--engines", engines, "--password-file", filepath.Join(dir, "password")},
		Ready: func(ctx context.Context) error { return ping(ctx, "http://"+addr+"/ping") },
	}, nil
}

// ping tells whether a GET is answered with 200.
func ping(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
