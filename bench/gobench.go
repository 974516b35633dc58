package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// metric reads one figure of a benchmark's line: the number before unit, times scale.
type metric struct {
	name, unit string // as it is reported
	from       string // the unit in the line, e.g. "ns/op"
	scale      float64
	peer       string // when the line's figure peerFrom is the peer's, in the same unit
	peerFrom   string
}

// goBench runs one Go benchmark and reads its metrics.
func goBench(pkg, name, benchtime string, metrics ...metric) func(context.Context) ([]Result, error) {
	return func(ctx context.Context) ([]Result, error) {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", benchtime,
			"-benchmem", "-vet=off", "-ldflags=-w", "-timeout", "2h", pkg)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
		figures, err := readBench(string(out), name)
		if err != nil {
			return nil, err
		}
		return results(figures, metrics)
	}
}

// readBench returns the figures of a benchmark's line, by unit.
func readBench(out, name string) (map[string]float64, error) {
	for _, line := range strings.Split(out, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], name) {
			continue
		}
		figures := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("read %q: %w", line, err)
			}
			figures[fields[i+1]] = v
		}
		return figures, nil
	}
	return nil, fmt.Errorf("no line of %s in:\n%s", name, out)
}

func results(figures map[string]float64, metrics []metric) ([]Result, error) {
	var found []Result
	for _, m := range metrics {
		v, ok := figures[m.from]
		if !ok {
			return nil, fmt.Errorf("no figure in %s among %v", m.from, figures)
		}
		r := Result{Name: m.name, Value: v * m.scale, Unit: m.unit}
		if p := figures[m.peerFrom]; m.peer != "" && p != 0 {
			r.Peer, r.Ratio = m.peer, v/p
		}
		found = append(found, r)
	}
	return found, nil
}

// asRatio gives results whose value is the ratio to the peer, with the value itself told in the peer's name.
func asRatio(measure func(context.Context) ([]Result, error)) func(context.Context) ([]Result, error) {
	return func(ctx context.Context) ([]Result, error) {
		found, err := measure(ctx)
		for i, r := range found {
			found[i].Peer = fmt.Sprintf("%.0f %s, beside %s", r.Value, r.Unit, r.Peer)
			found[i].Value, found[i].Unit = r.Ratio, "×"
		}
		return found, err
	}
}
