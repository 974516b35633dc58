// Command bench measures Plinth on this machine, on real engines, and writes bench/results.json and bench/RESULTS.md.
// What a room can measure is a Go benchmark in that room, which this program runs and reads; what only the whole house
// can show, its start and its memory, it measures itself.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// Result is one figure. Value is in Unit; Ratio is Value over Peer's value in the same run, 0 when there is no peer.
type Result struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Peer    string  `json:"peer"`
	Ratio   float64 `json:"ratio"`
	Date    string  `json:"date"`
	Machine string  `json:"machine"`
}

// settle is how long the district feeds before the memory of the house is taken.
var settle = flag.Duration("settle", 10*time.Minute, "how long the district feeds before memory is taken")

// only chooses measurements by a part of what they are called; the other results stay as they are.
var only = flag.String("only", "", "measure only what has this in its description, and keep the other results")

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	date, machine := time.Now().Format(time.DateOnly), machine()
	results, err := kept()
	if err != nil {
		return err
	}
	for i, m := range measurements {
		if !strings.Contains(m.what, *only) {
			continue
		}
		fmt.Printf("[%d/%d] %s\n", i+1, len(measurements), m.what)
		found, err := m.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.what, err)
		}
		for _, r := range found {
			r.Date, r.Machine = date, machine
			fmt.Printf("      %-24s %14.2f %s%s\n", r.Name, r.Value, r.Unit, beside(r))
			results = append(slices.DeleteFunc(results, func(old Result) bool { return old.Name == r.Name }), r)
		}
		if err := write(results); err != nil { // what is measured is kept, even if the next one fails
			return err
		}
	}
	return nil
}

// kept returns the results of the runs before when only some are measured.
func kept() (results []Result, err error) {
	if *only == "" {
		return nil, nil
	}
	data, err := os.ReadFile("bench/results.json")
	if err != nil {
		return nil, err
	}
	return results, json.Unmarshal(data, &results)
}

func write(results []Result) error {
	if err := writeJSON("bench/results.json", results); err != nil {
		return err
	}
	return writeMarkdown("bench/RESULTS.md", results)
}

func beside(r Result) string {
	if r.Peer == "" {
		return ""
	}
	return fmt.Sprintf("  (%.2f × %s)", r.Ratio, r.Peer)
}

func writeJSON(path string, results []Result) error {
	data, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
