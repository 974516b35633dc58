// Package embedded is the local ClickHouse: libchdb in a process of its own that speaks as much of the ClickHouse HTTP
// interface as the unmodified clickhouse-go needs, on loopback, with a password. It also keeps who may read what
// (/access), since the library has no users of its own. It is the default on one machine and not a server for others:
// no cluster, no native protocol, no sessions.
package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"plinth/internal/clickhouse"
)

// Ready is the line on standard output once statements are served.
type Ready struct {
	Ready bool   `json:"ready"`
	URL   string `json:"url"`
}

// maxStatements run at once; more wait. It is above the connections of the service's pool, since one that reads rows may
// hold a statement while it starts another.
const maxStatements = 32

type options struct {
	dir, listen, library, engines, passwordFile string
	memory                                      int64 // MiB
}

func parseFlags(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("engine clickhouse", flag.ContinueOnError)
	fs.StringVar(&o.dir, "dir", "", "data folder (required)")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address to serve on")
	fs.StringVar(&o.library, "library", "", "path of libchdb.so; found under the engines folder when empty")
	fs.StringVar(&o.engines, "engines", "", "node_modules folder of deploy/engines")
	fs.StringVar(&o.passwordFile, "password-file", "", "file with the service user's password, made when missing (default <dir>/password)")
	fs.Int64Var(&o.memory, "memory", 1024, "most memory the engine may use, in MiB")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.dir == "":
		return o, errors.New("--dir is required")
	case fs.NArg() > 0:
		return o, fmt.Errorf("unknown argument %q", fs.Arg(0))
	case o.memory < 256:
		return o, fmt.Errorf("--memory is %d MiB, the least is 256", o.memory)
	}
	if host, _, err := net.SplitHostPort(o.listen); err != nil || !net.ParseIP(host).IsLoopback() {
		return o, fmt.Errorf("--listen %q is not a loopback address with a port", o.listen)
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return o, err
	}
	o.dir = dir
	if o.passwordFile == "" {
		o.passwordFile = filepath.Join(dir, "password")
	}
	return o, nil
}

// Main runs the engine until ctx ends. It logs to standard error and prints one line, Ready, to standard output.
func Main(ctx context.Context, args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	return serve(ctx, o, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

func serve(ctx context.Context, o options, out io.Writer, log *slog.Logger) error {
	h, closeAll, err := open(o, log)
	if err != nil {
		return err
	}
	defer closeAll()
	ln, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: h.routes(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	url := "http://" + ln.Addr().String()
	if err := selfTest(ctx, clickhouse.Config{URL: url, User: clickhouse.ServiceUser, Password: h.password}); err != nil {
		srv.Close()
		return fmt.Errorf("self-test through the driver: %w", err)
	}
	h.ready.Store(true)
	if err := json.NewEncoder(out).Encode(Ready{Ready: true, URL: url}); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case err := <-h.e.broken:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
	}
	return nil
}

// open takes the folder, loads the library and boots the engine with the rights of the last run.
func open(o options, log *slog.Logger) (*handler, func(), error) {
	if err := makeDir(o.dir); err != nil {
		return nil, nil, err
	}
	lock, err := lockDir(o.dir)
	if err != nil {
		return nil, nil, err
	}
	h, err := openLocked(o, log)
	if err != nil {
		lock.release()
		return nil, nil, err
	}
	return h, func() { h.e.close(); lock.release() }, nil
}

func openLocked(o options, log *slog.Logger) (*handler, error) {
	password, err := passwordOf(o.passwordFile)
	if err != nil {
		return nil, err
	}
	if o.library == "" {
		if o.library, err = findLibrary(o.engines); err != nil {
			return nil, err
		}
	}
	if err := checkLibrary(o.library, sumCache(o.dir)); err != nil {
		return nil, err
	}
	// The engine takes its time zone from the environment when it is loaded, and from nowhere else.
	if err := os.Setenv("TZ", "UTC"); err != nil {
		return nil, err
	}
	c, err := loadChdb(o.library)
	if err != nil {
		return nil, err
	}
	e := newEngine(c, o.dir, o.memory<<20, log)
	a := newAccess(e, log)
	if err := a.start(); err != nil {
		return nil, fmt.Errorf("open the engine on %s: %w", o.dir, err)
	}
	version, err := e.root.text("SELECT version()")
	if err != nil {
		return nil, err
	}
	return &handler{e: e, access: a, password: password, slots: make(chan struct{}, maxStatements), log: log, version: version}, nil
}

// selfTest makes sure that the driver and this package still understand each other: the first query of a connection is
// answered by hand, and a newer driver could ask another.
func selfTest(ctx context.Context, cfg clickhouse.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	db, err := clickhouse.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := db.ServerVersion()
	if err != nil {
		return err
	}
	if v.Revision != 0 {
		return fmt.Errorf("the driver holds revision %d, want 0", v.Revision)
	}
	want := time.Date(2026, 2, 28, 23, 59, 59, 123e6, time.UTC)
	var got time.Time
	if err := db.QueryRow(ctx, "SELECT {t:DateTime64(3, 'UTC')}", clickhouse.Param("t", "2026-02-28 23:59:59.123")).Scan(&got); err != nil {
		return err
	}
	if !got.Equal(want) {
		return fmt.Errorf("a time came back as %v, want %v", got, want)
	}
	return nil
}
