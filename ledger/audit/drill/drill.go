// Package drill tests the auditor: it alters copies of an export at random, some clumsily and some as a clever insider
// would, and reports what the audit found. An audit that misses one alteration, names another object than the altered
// one, or raises an alarm over a clean copy, has failed.
//
// It is for small exports: a copy is held in memory.
package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// Progress tells how many rounds are done.
type Progress struct{ Done, Total int }

// Options shape a drill.
type Options struct {
	Seed     uint64 // the same seed alters the same export in the same way
	Rounds   int    // 0: every kind of alteration that the export allows, five times
	Progress func(Progress)
}

// Round is one alteration and what the audit said of it.
type Round struct {
	Kind    string  `json:"kind"`   // which alteration, e.g. "entry-and-tree"
	Where   string  `json:"where"`  // what was altered, as the audit would name it
	Found   bool    `json:"found"`  // the audit did not prove the export
	Right   bool    `json:"right"`  // and named what was altered
	Object  string  `json:"object"` // what the audit named
	Reason  string  `json:"reason"`
	Seconds float64 `json:"seconds"`
}

// Result is what a drill found.
type Result struct {
	Seed        uint64  `json:"seed"`
	Rounds      []Round `json:"rounds"`
	Found       int     `json:"found"`
	Right       int     `json:"right"`
	Clean       int     `json:"clean"` // clean copies audited
	FalseAlarms int     `json:"falseAlarms"`
	Seconds     float64 `json:"seconds"`
}

// Passed tells whether everything was found and named right, and nothing else.
func (r Result) Passed() bool {
	n := len(r.Rounds)
	return n > 0 && r.Found == n && r.Right == n && r.FalseAlarms == 0
}

// cleanEvery is after how many rounds a clean copy is audited.
const cleanEvery = 10

// Run drills the export in dir with copies in the folder scratch, which it makes and empties; dir itself is only read.
// The export must be one that the audit proves. The error is not nil only when the drill could not be carried out.
func Run(ctx context.Context, dir, scratch string, p ledger.Policy, o Options) (Result, error) {
	d := &drill{ctx: ctx, dir: dir, scratch: scratch, policy: p, rng: rand.New(rand.NewPCG(o.Seed, 0x706c696e7468))}
	d.result = Result{Seed: o.Seed, Rounds: []Round{}}
	began := time.Now()
	if err := d.begin(); err != nil {
		return d.result, err
	}
	defer os.RemoveAll(d.copyDir())
	kinds := d.possible()
	rounds := o.Rounds
	if rounds == 0 {
		rounds = 5 * len(kinds)
	}
	for i := range rounds {
		if i%cleanEvery == 0 {
			if err := d.clean(); err != nil {
				return d.result, err
			}
		}
		if err := d.round(kinds[i%len(kinds)]); err != nil {
			return d.result, err
		}
		if o.Progress != nil {
			o.Progress(Progress{i + 1, rounds})
		}
	}
	d.result.Seconds = time.Since(began).Seconds()
	return d.result, nil
}

// drill is one run.
type drill struct {
	ctx          context.Context
	dir, scratch string
	policy       ledger.Policy
	rng          *rand.Rand
	original     *export
	result       Result
}

func (d *drill) copyDir() string { return filepath.Join(d.scratch, "copy") }

// state is what an audit of the original left: the auditor's memory, with which an older backup is found.
func (d *drill) state() string { return filepath.Join(d.scratch, "audit") }

// begin reads the export and audits it as it is.
func (d *drill) begin() (err error) {
	if err := os.MkdirAll(d.scratch, 0o700); err != nil {
		return err
	}
	if err := os.Remove(d.state()); err != nil && !os.IsNotExist(err) {
		return err
	}
	r, err := audit.Run(d.ctx, d.dir, d.policy, audit.Options{Resume: true, State: d.state()})
	if err != nil {
		return fmt.Errorf("audit of the export: %w", err)
	}
	if r.Fault != nil {
		return fmt.Errorf("the export is not clean to begin with: %w", r.Fault)
	}
	d.original, err = load(d.dir)
	return err
}

// possible returns the kinds of alteration that this export has something for.
func (d *drill) possible() []kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool {
		x := d.original.clone()
		_, ok := k.alter(x, rand.New(rand.NewPCG(1, 1)))
		return !ok
	})
}

// clean audits an unaltered copy.
func (d *drill) clean() error {
	r, err := d.audit(d.original, audit.Options{})
	if err != nil {
		return err
	}
	d.result.Clean++
	if r.Fault != nil {
		d.result.FalseAlarms++
	}
	return nil
}

// audit writes a copy and audits it.
func (d *drill) audit(x *export, o audit.Options) (audit.Report, error) {
	if err := os.RemoveAll(d.copyDir()); err != nil {
		return audit.Report{}, err
	}
	if err := x.write(d.copyDir()); err != nil {
		return audit.Report{}, err
	}
	r, err := audit.Run(d.ctx, d.copyDir(), d.policy, o)
	if d.ctx.Err() != nil {
		return r, err
	}
	if err != nil {
		r.Fault = &audit.Fault{Object: "the audit itself", Reason: err.Error()}
	}
	return r, nil
}

// round makes one alteration and audits.
func (d *drill) round(k kind) error {
	x := d.original.clone()
	where, ok := k.alter(x, d.rng)
	for range 20 {
		if ok && !x.same(d.original) {
			break
		}
		x = d.original.clone() // the place was one where nothing changes, e.g. the same entry swapped with itself
		where, ok = k.alter(x, d.rng)
	}
	options := audit.Options{}
	if k.memory {
		options = audit.Options{Resume: true, State: d.state()}
	}
	began := time.Now()
	r, err := d.audit(x, options)
	if err != nil {
		return err
	}
	out := Round{Kind: k.name, Where: strings.Join(where, " | "), Seconds: time.Since(began).Seconds()}
	if r.Fault != nil {
		out.Found, out.Object, out.Reason = true, r.Fault.Object, r.Fault.Reason
		out.Right = slices.ContainsFunc(where, func(w string) bool { return names(r.Fault.Object, w) })
	}
	d.result.Rounds = append(d.result.Rounds, out)
	if out.Found {
		d.result.Found++
	}
	if out.Right {
		d.result.Right++
	}
	return nil
}

// names tells whether an object that the audit named is the altered one: the same, a part of it, or a range of entries
// with it inside.
func names(object, altered string) bool {
	if object == altered || strings.HasPrefix(object, altered+",") || strings.HasPrefix(object, altered+":") {
		return true
	}
	var from, to, at int
	log, _, _ := strings.Cut(altered, " ")
	if _, err := fmt.Sscanf(altered, log+" entry %d", &at); err != nil {
		return false
	}
	_, err := fmt.Sscanf(object, log+" entries %d to %d", &from, &to)
	return err == nil && from <= at && at <= to
}
