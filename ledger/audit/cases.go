package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"plinth/ledger"
)

// caseAudit compares the cases on the chain with the log's entries: every step names a record that is in the log at
// its place, the steps have no gap and an allowed order, and the case's digest is theirs.
type caseAudit struct {
	contract map[string]Value
	logs     map[string]LogManifest // by origin line
	dir      string
	skipped  *skips
	tell     func(int64)

	steps map[ledger.Tag][]ledger.Step
	count int64
}

func (c *caseAudit) fault(object, format string, args ...any) error {
	return bad(StageCases, object, format, args...)
}

// run checks all cases.
func (c *caseAudit) run(ctx context.Context) error {
	if err := c.readSteps(); err != nil {
		return err
	}
	tags := make([]ledger.Tag, 0, len(c.steps))
	for tag := range c.steps {
		tags = append(tags, tag)
	}
	slices.SortFunc(tags, func(a, b ledger.Tag) int { return strings.Compare(a.String(), b.String()) })
	for _, tag := range tags {
		if err := c.checkCase(tag, c.steps[tag]); err != nil {
			return err
		}
	}
	return c.checkEntries(ctx)
}

// readSteps takes the steps out of the replayed state.
func (c *caseAudit) readSteps() error {
	c.steps = map[ledger.Tag][]ledger.Step{}
	cases := 0
	for key, v := range c.contract {
		switch {
		case strings.HasPrefix(key, "case/"):
			cases++
		case strings.HasPrefix(key, "status/"), strings.HasPrefix(key, "red/"):
			c.skipped.add(NotStatus, 1)
		case strings.HasPrefix(key, "step/"):
			_, text, _ := strings.Cut(string(v.Bytes), "\n")
			s, err := ledger.ParseStep(text)
			if err != nil || ledger.StepKey(s.Case, s.Seq) != key {
				return c.fault("step on the chain in "+v.place(), "it is not in the contract's form")
			}
			c.steps[s.Case] = append(c.steps[s.Case], s)
			c.count++
		}
	}
	if cases != len(c.steps) {
		return c.fault("cases on the chain", "there are %d cases and steps of %d", cases, len(c.steps))
	}
	return nil
}

// checkCase checks one case's order and digest.
func (c *caseAudit) checkCase(tag ledger.Tag, steps []ledger.Step) error {
	slices.SortFunc(steps, func(a, b ledger.Step) int { return int(a.Seq) - int(b.Seq) })
	state, digest := "", ledger.CaseDigest{}
	for i, s := range steps {
		name := fmt.Sprintf("case %s, step %d", tag, i+1)
		if s.Seq != uint64(i+1) {
			return c.fault(name, "is missing")
		}
		var err error
		if state, err = ledger.NextState(state, s.Kind); err != nil {
			return c.fault(name, "%v", err)
		}
		digest = digest.Add(s)
	}
	lines := strings.Split(string(c.contract[ledger.CaseKey(tag)].Bytes), "\n")
	if len(lines) < 3 || lines[0] != strconv.Itoa(len(steps)) || lines[1] != state || lines[2] != digest.String() {
		return c.fault("case "+tag.String(), "it does not stand as its steps say")
	}
	return nil
}

// checkEntries looks up each step's entry, log by log in the order of the file.
func (c *caseAudit) checkEntries(ctx context.Context) error {
	wanted := map[string][]ledger.Step{}
	for _, steps := range c.steps {
		for _, s := range steps {
			wanted[s.Origin] = append(wanted[s.Origin], s)
		}
	}
	for origin, steps := range wanted {
		slices.SortFunc(steps, func(a, b ledger.Step) int { return int(a.Index - b.Index) })
		if err := c.checkLog(ctx, origin, steps); err != nil {
			return err
		}
	}
	return nil
}

func (c *caseAudit) checkLog(ctx context.Context, origin string, steps []ledger.Step) error {
	log, ok := c.logs[origin]
	if last := steps[len(steps)-1]; !ok || last.Index >= log.Size {
		return c.fault(stepName(last), "its record is entry %d of %s, which is missing", last.Index, origin)
	}
	f, err := os.Open(filepath.Join(c.dir, string(log.Origin), EntriesFile))
	if err != nil {
		return err
	}
	defer f.Close()
	r := &entryReader{r: bufio.NewReaderSize(f, 1<<20), size: log.Size}
	for _, s := range steps {
		entry, err := r.at(ctx, s.Index)
		if err != nil {
			return err
		}
		if err := checkStep(s, entry); err != nil {
			return c.fault(stepName(s), "%v", err)
		}
	}
	return nil
}

func stepName(s ledger.Step) string { return fmt.Sprintf("case %s, step %d", s.Case, s.Seq) }

func checkStep(s ledger.Step, entry []byte) error {
	e, err := ledger.ParseEntry(entry)
	if err != nil {
		return err
	}
	if ledger.Leaf(entry) != s.Leaf || e.ID != s.Record || e.Kind != s.Kind || e.Case != s.Case {
		return errors.New("the log has another record at its place")
	}
	return nil
}

// at skips to an entry, which must not lie before the one read last, and returns its bytes.
func (r *entryReader) at(ctx context.Context, index int64) ([]byte, error) {
	for r.next < index {
		if r.next%(1<<16) == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		head, err := r.r.Peek(2)
		if err != nil {
			return nil, err
		}
		if _, err := r.r.Discard(2 + int(head[0])<<8 + int(head[1])); err != nil {
			return nil, err
		}
		r.next++
	}
	head, err := r.r.Peek(2)
	if err != nil {
		return nil, err
	}
	b, err := r.r.Peek(2 + int(head[0])<<8 + int(head[1]))
	if err != nil && err != io.EOF {
		return nil, err
	}
	return slices.Clone(b[2:]), nil
}
