package stack

import (
	"errors"
	"os"
	"path/filepath"
)

// EnginesDir finds the folder into which npm put the locked native engines: $PLINTH_ENGINES_DIR, or
// deploy/engines/node_modules beside the working directory, the program, or a folder above either.
func EnginesDir() (string, error) {
	if dir := os.Getenv("PLINTH_ENGINES_DIR"); dir != "" {
		return dir, nil
	}
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			engines := filepath.Join(dir, "deploy", "engines", "node_modules")
			if _, err := os.Stat(engines); err == nil {
				return engines, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", errors.New("the native engines are not here; fetch them with: npm ci --prefix deploy/engines")
}
