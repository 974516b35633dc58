package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// librarySums are the builds this package was tested with, by platform. Another build may lay out its C structures
// differently, so it is refused rather than tried.
var librarySums = map[string]string{
	"linux/amd64": "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5", // 26.7.3-stable.1
}

const libraryFile = "@chdb/lib-linux-x64-gnu/libchdb.so"

// waysOut ends every message about a library that cannot be had.
const waysOut = "run `npm ci` in deploy/engines to fetch it, or set the URL of a ClickHouse server so that no local engine is needed"

// findLibrary looks in enginesDir (a node_modules folder), then PLINTH_ENGINES_DIR, then for deploy/engines/node_modules
// from the working folder and from the binary's folder upwards.
func findLibrary(enginesDir string) (string, error) {
	if librarySums[runtime.GOOS+"/"+runtime.GOARCH] == "" {
		return "", fmt.Errorf("there is no local ClickHouse engine for %s/%s (only linux/amd64 with glibc): set the URL of a ClickHouse server", runtime.GOOS, runtime.GOARCH)
	}
	var looked []string
	for _, dir := range enginesDirs(enginesDir) {
		path := filepath.Join(dir, filepath.FromSlash(libraryFile))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		looked = append(looked, dir)
	}
	return "", fmt.Errorf("the local ClickHouse engine (libchdb) is missing, looked in %s: %s", strings.Join(looked, ", "), waysOut)
}

func enginesDirs(given string) []string {
	if given != "" {
		return []string{given}
	}
	if env := os.Getenv("PLINTH_ENGINES_DIR"); env != "" {
		return []string{env}
	}
	var dirs []string
	wd, _ := os.Getwd()
	exe, _ := os.Executable()
	for _, start := range []string{wd, filepath.Dir(exe)} {
		for dir := start; dir != ""; dir = filepath.Dir(dir) {
			candidate := filepath.Join(dir, "deploy", "engines", "node_modules")
			if _, err := os.Stat(candidate); err == nil {
				dirs = append(dirs, candidate)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if len(dirs) == 0 {
		dirs = []string{filepath.Join("deploy", "engines", "node_modules")}
	}
	return dirs
}

// sumCache is where checkLibrary keeps its answer: in the user's cache, for all data folders alike, or in the folder.
func sumCache(dir string) string {
	if cache, err := os.UserCacheDir(); err == nil {
		if cache = filepath.Join(cache, "plinth"); os.MkdirAll(cache, 0o700) == nil {
			return filepath.Join(cache, "libchdb.sum")
		}
	}
	return filepath.Join(dir, "libchdb.sum")
}

// checkLibrary compares the library with the pinned sum. Hashing half a gigabyte takes seconds, so the answer for a
// file of this path, size and time of change is kept in cacheFile; whoever can write that can replace the library too.
func checkLibrary(path, cacheFile string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	want := librarySums[runtime.GOOS+"/"+runtime.GOARCH]
	stamp := fmt.Sprintf("%s %d %d %s\n", path, info.Size(), info.ModTime().UnixNano(), want)
	if old, err := os.ReadFile(cacheFile); err == nil && string(old) == stamp {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	got, err := sumFile(path)
	if err != nil {
		return fmt.Errorf("hash %s: %w", path, err)
	}
	if got != want {
		return fmt.Errorf("%s is not the pinned build (sha256 %s, want %s): %s", path, got, want, waysOut)
	}
	return writeFile(cacheFile, stamp)
}

func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
