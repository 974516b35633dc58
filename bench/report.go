package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine names the processor, the cores and the memory that the figures come from.
func machine() string {
	return fmt.Sprintf("%s, %d cores, %s, %s", field("/proc/cpuinfo", "model name"), runtime.NumCPU(),
		field("/proc/meminfo", "MemTotal"), runtime.Version())
}

// field returns the value of the first line "key: value" of a file.
func field(path, key string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func writeMarkdown(path string, results []Result) error {
	var b strings.Builder
	b.WriteString("# Results\n\nMeasured by `make bench` on real engines, all on one machine. Wall-clock figures vary with what else it does.\n\n")
	if len(results) > 0 {
		fmt.Fprintf(&b, "%s\n\n", results[0].Machine)
	}
	b.WriteString("| name | value | unit | beside | ratio | measured |\n|---|---:|---|---|---:|---|\n")
	for _, r := range results {
		ratio := ""
		if r.Peer != "" {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", r.Name, number(r.Value), r.Unit, r.Peer, ratio, r.Date)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// number prints a value with three or more significant digits.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
