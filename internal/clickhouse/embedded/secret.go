package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// passwordOf reads the service user's password from a file, or makes both at the first start.
func passwordOf(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		password := rand.Text()
		return password, os.WriteFile(path, []byte(password+"\n"), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("the password file %s can be read by others (mode %v): set it to 0600", path, info.Mode().Perm())
	}
	password := strings.TrimSpace(string(b))
	if len(password) < 12 {
		return "", fmt.Errorf("the password in %s has fewer than 12 characters", path)
	}
	return password, nil
}
