package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// withSeries measures only where the labelled series are, which are not ours to ship.
func withSeries(measure func(context.Context) ([]Result, error)) func(context.Context) ([]Result, error) {
	return func(ctx context.Context) ([]Result, error) {
		dir := cmp.Or(os.Getenv("PLINTH_SERIES_DIR"), "../shared/data/series")
		if _, err := os.Stat(filepath.Join(dir, "windows.json")); err != nil {
			fmt.Fprintf(os.Stderr, "not measured: %s has no labelled series; PLINTH_SERIES_DIR names their folder\n", dir)
			return nil, nil
		}
		return measure(ctx)
	}
}
