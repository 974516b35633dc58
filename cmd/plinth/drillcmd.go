package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"plinth/ledger"
	"plinth/ledger/audit"
	"plinth/ledger/audit/drill"
)

// drillCmd is what tests the house's own watchmen.
type drillCmd struct {
	Tamper tamperCmd `cmd:"" help:"Alter copies of an export and see whether the audit finds it; exit 1 unless all is found and named right."`
}

// tamperCmd drills with an export. The export is only read.
type tamperCmd struct {
	Dir    string `arg:"" help:"An export made by plinth evidence export." type:"existingdir"`
	Rounds int    `help:"How many alterations; default is five of each kind."`
	Seed   uint64 `help:"The same seed alters the same things." default:"1"`
	Roots  string `help:"File of the organisations' root certificates, as GET /v1/evidence/roots; default is the one in the export." type:"existingfile"`
	JSON   bool   `name:"json" help:"Print the result as JSON."`

	out io.Writer // standard output when nil
}

// errDrill is why the command fails when the audit did.
var errDrill = errors.New("the audit did not find everything, named something else, or raised a false alarm")

// Run drills.
func (cmd *tamperCmd) Run(ctx context.Context) error {
	if cmd.out == nil {
		cmd.out = os.Stdout
	}
	policy, err := cmd.policy()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "plinth-drill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	r, err := drill.Run(ctx, cmd.Dir, scratch, policy, drill.Options{Seed: cmd.Seed, Rounds: cmd.Rounds, Progress: func(p drill.Progress) {
		fmt.Fprintf(os.Stderr, "\r\033[K%d / %d", p.Done, p.Total)
	}})
	fmt.Fprint(os.Stderr, "\r\033[K")
	if err != nil {
		return err
	}
	if err := cmd.print(r); err != nil {
		return err
	}
	if !r.Passed() {
		return errDrill
	}
	return nil
}

func (cmd *tamperCmd) policy() (ledger.Policy, error) {
	m, err := audit.ReadManifest(cmd.Dir)
	if err != nil {
		return ledger.Policy{}, fmt.Errorf("%s: %w", audit.ManifestFile, err)
	}
	if cmd.Roots == "" {
		cmd.Roots = filepath.Join(cmd.Dir, audit.RootsFile)
	}
	b, err := os.ReadFile(cmd.Roots)
	if err != nil {
		return ledger.Policy{}, err
	}
	t, err := ledger.ParseTrust(b)
	if err != nil {
		return ledger.Policy{}, err
	}
	p, err := t.Policy()
	p.Channel, p.Chaincode, p.At = m.Channel, m.Chaincode, time.Now()
	return p, err
}

func (cmd *tamperCmd) print(r drill.Result) error {
	if cmd.JSON {
		e := json.NewEncoder(cmd.out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	for _, round := range r.Rounds {
		mark := "✓"
		if !round.Found || !round.Right {
			mark = "✗"
		}
		fmt.Fprintf(cmd.out, "%s %-22s %s\n    %s: %s\n", mark, round.Kind, round.Where, round.Object, round.Reason)
	}
	_, err := fmt.Fprintf(cmd.out, "seed %d: %d alterations, %d found, %d named right; %d clean copies, %d false alarms; %.1f s\n",
		r.Seed, len(r.Rounds), r.Found, r.Right, r.Clean, r.FalseAlarms, r.Seconds)
	return err
}
