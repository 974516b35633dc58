package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measureHouse starts `plinth up` in a fresh folder, stops it, starts it again warm, and takes the memory of all its
// processes after the district has fed it for a while.
func measureHouse(ctx context.Context) ([]Result, error) {
	dir, err := os.MkdirTemp("", "plinth-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as nobody
		return nil, err
	}
	cold, stop, err := startHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	stop()
	warm, stop, err := startHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer stop()
	fmt.Printf("      started cold in %.1f s, warm in %.1f s; memory is taken after %s\n", cold.Seconds(), warm.Seconds(), *settle)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(*settle):
	}
	total, err := residentMiB(os.Getpid())
	if err != nil {
		return nil, err
	}
	return []Result{
		{Name: "start_cold_s", Value: cold.Seconds(), Unit: "s"},
		{Name: "start_warm_s", Value: warm.Seconds(), Unit: "s"},
		{Name: "rss_total_mib", Value: total, Unit: fmt.Sprintf("MiB after %s", *settle)},
	}, nil
}

// startHouse starts the house and returns how long it took to print its address, and how to stop it.
func startHouse(ctx context.Context, dir string) (time.Duration, func(), error) {
	cmd := exec.CommandContext(ctx, "bin/plinth", "up", "--data", dir, "--listen", "127.0.0.1:0", "--log-level", "warn")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "http://") {
			took := time.Since(begun)
			go func() {
				for lines.Scan() { // keep reading, so that the program never blocks on a full pipe
				}
			}()
			return took, stop, nil
		}
	}
	stop()
	return 0, nil, fmt.Errorf("plinth up gave no address")
}

// residentMiB sums the resident memory of all descendants of a process. Pages that processes share count for each.
func residentMiB(root int) (float64, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		if pid, parent, ok := parentOf(path); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	var total float64
	for queue := children[root]; len(queue) > 0; queue = queue[1:] {
		kb, _, _ := strings.Cut(field(fmt.Sprintf("/proc/%d/status", queue[0]), "VmRSS"), " ")
		v, _ := strconv.ParseFloat(kb, 64) // a process that has just gone holds nothing
		total += v / 1024
		queue = append(queue, children[queue[0]]...)
	}
	return total, nil
}

// parentOf reads a process's id and its parent's from /proc/PID/stat; the name between them may hold anything.
func parentOf(path string) (pid, parent int, ok bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, false
	}
	text := string(data)
	after := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(after) < 2 {
		return 0, 0, false
	}
	pid, err = strconv.Atoi(strings.Fields(text)[0])
	if err != nil {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(after[1])
	return pid, parent, err == nil
}
