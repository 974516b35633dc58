package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock holds a data folder for this process. The engine has a lock of its own, but tells of it on standard error only.
type lock struct{ f *os.File }

// lockDir takes the folder or says which process has it. The kernel lets go when the process dies, however it dies.
func lockDir(dir string) (*lock, error) {
	path := filepath.Join(dir, "engine.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		return nil, fmt.Errorf("the data folder %s is in use by the process with pid %s; stop it first, or choose another folder", dir, holder(path))
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := f.WriteAt([]byte(fmt.Sprintf("%d\n", os.Getpid())), 0); err != nil {
		return nil, err
	}
	return &lock{f}, nil
}

func holder(path string) string {
	b, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

func (l *lock) release() { l.f.Close() }
