package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresHelp is said when no PostgreSQL is found.
const postgresHelp = `no PostgreSQL found. Ways out:
  - fetch the locked engine: npm ci --prefix deploy/engines
  - install the system's own, version 15 or newer
  - point at a running one: PLINTH_POSTGRES_URL=postgres://…`

// Postgres prepares the folder of a local PostgreSQL and describes its process.
func Postgres(ctx context.Context, dir, addr string) (Process, string, error) {
	bin, err := postgresBin()
	if err != nil {
		return Process{}, "", err
	}
	data := filepath.Join(dir, "data")
	password, err := secretFile(filepath.Join(dir, "password"))
	if err != nil {
		return Process{}, "", err
	}
	sys, err := unprivileged(bin, dir)
	if err != nil {
		return Process{}, "", err
	}
	if err := initdb(ctx, bin, data, password, sys); err != nil {
		return Process{}, "", err
	}
	host, port, _ := strings.Cut(addr, ":")
	dsn := (&url.URL{Scheme: "postgres", User: url.UserPassword("plinth", password), Host: addr, Path: "/postgres"}).String()
	return Process{
		Name: "postgres", Path: filepath.Join(bin, "postgres"), Sys: sys, Dir: data,
		Args: []string{"-D", data, "-h", host, "-p", port, "-k", "", "-c", "max_connections=200",
			"-c", "shared_buffers=64MB", "-c", "logging_collector=off", "-c", "log_min_messages=warning"},
		Ready:  func(ctx context.Context) error { return pingPostgres(ctx, dsn) },
		Stop:   syscall.SIGINT,  // fast shutdown
		Orphan: syscall.SIGQUIT, // immediate shutdown; the write-ahead log recovers
	}, dsn, nil
}

func pingPostgres(ctx context.Context, dsn string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

// initdb makes the database cluster unless it is there. A half-made one, without its marker, is made anew.
func initdb(ctx context.Context, bin, data, password string, sys *syscall.SysProcAttr) error {
	marker := filepath.Join(filepath.Dir(data), "initialised")
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	if err := ownedDir(data, sys); err != nil {
		return err
	}
	// The password goes through a pipe that initdb inherits: never in arguments, never readable by others.
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := fmt.Fprintln(w, password); err != nil {
		return err
	}
	w.Close()
	if sys != nil && sys.Credential != nil {
		if err := r.Chown(int(sys.Credential.Uid), int(sys.Credential.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "plinth", "-E", "UTF8",
		"--locale=C.UTF-8", "--auth=scram-sha-256", "--pwfile=/proc/self/fd/3", "--no-instructions")
	cmd.ExtraFiles = []*os.File{r}
	cmd.SysProcAttr, cmd.Dir = sys, data
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.WriteFile(marker, nil, 0o644)
}

// postgresBin finds the folder that holds initdb and postgres: the locked engine, or the newest of the system.
func postgresBin() (string, error) {
	if dir, err := EnginesDir(); err == nil {
		bin := filepath.Join(dir, "@embedded-postgres", "linux-x64", "native", "bin")
		if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
			return bin, linkLibraries(filepath.Join(filepath.Dir(bin), "lib"))
		}
	}
	var best string
	var version int
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	for _, p := range found {
		bin := filepath.Dir(p)
		if v, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))); v >= 15 && v > version {
			best, version = bin, v
		}
	}
	if best == "" {
		return "", errors.New(postgresHelp)
	}
	return best, nil
}

// linkLibraries makes the short names of the package's shared libraries, which npm's postinstall would have made.
func linkLibraries(dir string) error {
	for _, name := range []string{"libpq.so.5", "libicudata.so.60", "libicui18n.so.60", "libicuuc.so.60"} {
		full, _ := filepath.Glob(filepath.Join(dir, name+".*"))
		if len(full) == 0 {
			continue
		}
		if err := os.Symlink(filepath.Base(full[0]), filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil // a read-only folder: the programs find what they need by their run path
		}
	}
	return nil
}

// unprivileged returns how PostgreSQL, which refuses to run as root, is started. As root it runs as nobody; where
// nobody cannot reach the folders, in a user namespace whose only user is nobody, which has no capabilities here.
func unprivileged(bin, dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	if reachable(bin) && reachable(dir) {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: 0, Size: 1}},
	}, nil
}

// reachable tells whether others may pass through every folder on the way to path.
func reachable(path string) bool {
	for ; path != "/"; path = filepath.Dir(path) {
		if fi, err := os.Stat(path); err != nil || fi.Mode()&0o001 == 0 {
			return false
		}
	}
	return true
}

// ownedDir makes a folder that belongs to the user of sys.
func ownedDir(dir string, sys *syscall.SysProcAttr) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if sys != nil && sys.Credential != nil {
		return os.Chown(dir, int(sys.Credential.Uid), int(sys.Credential.Gid))
	}
	return nil
}

// secretFile returns the secret kept in path, and makes one of 160 random bits on first use.
func secretFile(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret := rand.Text()
	return secret, os.WriteFile(path, []byte(secret+"\n"), 0o600)
}
