package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// audit is one run.
type audit struct {
	dir     string
	policy  ledger.Policy
	options Options
	report  Report
	skipped *skips
	noData  bool // of some log the data of record are not there

	erasures map[ledger.Tag]bool // told of in the logs audited so far

	manifest Manifest
	listed   []string // the logs' keys as the folder has them
	logKeys  []string // as the chain has them
	byName   map[string]LogManifest
	chain    *chainAudit
	state    *saved
	told     time.Time
}

func newAudit(dir string, p ledger.Policy, o Options) *audit {
	if p.Channel == "" {
		p.Channel = ledger.DefaultChannel
	}
	if p.Chaincode == "" {
		p.Chaincode = ledger.DefaultChaincode
	}
	if len(p.Orgs) == 0 {
		p.Orgs = slices.Sorted(maps.Keys(p.Roots))
	}
	if o.State == "" {
		o.State = filepath.Clean(dir) + ".audit"
	}
	a := &audit{dir: dir, policy: p, options: o, skipped: newSkips(), byName: map[string]LogManifest{},
		erasures: map[ledger.Tag]bool{},
		state:    &saved{Version: stateVersion, Channel: p.Channel, Logs: map[string]*savedLog{}}}
	a.report = Report{Stages: []StageReport{}, Logs: []LogReport{}, At: p.At}
	return a
}

// run goes through the stages until one finds something.
func (a *audit) run(ctx context.Context) error {
	if len(a.policy.Roots) == 0 || a.policy.At.IsZero() {
		return plinth.Errorf(plinth.ErrInvalid, "an audit needs the organisations' root certificates and a time at which they must be valid")
	}
	if err := a.loadState(); err != nil {
		return err
	}
	if err := a.folder(); err != nil {
		return err
	}
	if err := a.auditChain(ctx); err != nil {
		return err
	}
	for _, log := range a.manifest.Logs {
		if err := a.auditLog(ctx, log); err != nil {
			return err
		}
	}
	return a.rest(ctx)
}

func (a *audit) loadState() error {
	if !a.options.Resume {
		return nil
	}
	s, err := loadState(a.options.State)
	if err != nil || s == nil {
		return err
	}
	if s.Channel != a.policy.Channel {
		return plinth.Errorf(plinth.ErrInvalid, "the audit's state is of the channel %q", s.Channel)
	}
	a.state = s
	for what, n := range s.Skipped {
		a.skipped.add(ledger.Check(what), n)
	}
	return nil
}

// saveState keeps what was found right so far.
func (a *audit) saveState() error {
	a.state.Skipped = map[string]int64{}
	for what, n := range a.skipped.counts {
		if n > 0 && what != NotPendingRows && what != NotStatus && what != NotUnanchored {
			a.state.Skipped[string(what)] = n
		}
	}
	return a.state.save(a.options.State)
}

// stage measures one stage.
func (a *audit) stage(s Stage, from int64, run func() (int64, error)) error {
	began := time.Now()
	n, err := run()
	took := time.Since(began).Seconds()
	for i := range a.report.Stages {
		if r := &a.report.Stages[i]; r.Stage == s {
			r.Count, r.From, r.Seconds, r.Right = r.Count+n, r.From+from, r.Seconds+took, r.Right && err == nil
			return err
		}
	}
	a.report.Stages = append(a.report.Stages, StageReport{s, n, from, took, err == nil})
	return err
}

// progress tells how far a stage is, but not too often.
func (a *audit) progress(s Stage, done, total int64) {
	if a.options.Progress == nil || done < total && time.Since(a.told) < 200*time.Millisecond {
		return
	}
	a.told = time.Now()
	a.options.Progress(Progress{s, done, total})
}

// folder reads the manifest and compares the roots in the folder with those that the auditor trusts.
func (a *audit) folder() error {
	return a.stage(StageFolder, 0, func() (int64, error) {
		var err error
		if a.manifest, err = ReadManifest(a.dir); err != nil {
			return 0, bad(StageFolder, ManifestFile, "%v", reason(err))
		}
		if a.manifest.Channel != a.policy.Channel || a.manifest.Chaincode != a.policy.Chaincode {
			f := bad(StageFolder, ManifestFile, "it is of the channel %.64q and contract %.64q", a.manifest.Channel, a.manifest.Chaincode)
			f.word = ledger.PolicyFailed
			return 0, f
		}
		for _, l := range a.manifest.Logs {
			if !filepath.IsLocal(string(l.Origin)) || !strings.HasSuffix(l.Name, "/"+string(l.Origin)) || a.byName[l.Name].Name != "" {
				return 0, bad(StageFolder, ManifestFile, "it names a log that cannot be")
			}
			a.byName[l.Name] = l
		}
		begun, err := ReadBegun(a.dir)
		if err != nil {
			return 0, bad(StageFolder, BegunFile, "%v", err)
		}
		if a.state.madeAnew(begun) {
			a.skipped.drop(NotErased, NotLateRows)
		}
		return int64(len(a.manifest.Files)), a.checkRoots()
	})
}

func reason(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("is missing")
	}
	return err
}

func (a *audit) checkRoots() error {
	b, err := readSmall(filepath.Join(a.dir, RootsFile))
	if err != nil {
		return bad(StageFolder, RootsFile, "%v", reason(err))
	}
	t, err := ledger.ParseTrust(b)
	if err != nil {
		return bad(StageFolder, RootsFile, "%v", err)
	}
	if want := canonicalJSON(t); !bytes.Equal(want, b) {
		return bad(StageFolder, RootsFile, "not in its one form")
	}
	p, err := t.Policy()
	if err != nil {
		return bad(StageFolder, RootsFile, "%v", err)
	}
	for i, r := range t.Roots {
		if !sameRoots(p.Roots[r.MSP], a.policy.Roots[r.MSP]) || r.PEM != PEM(p.Roots[r.MSP]) || r.Name != "" {
			return bad(StageFolder, RootsFile, "certificate %d of %.64s is not the one that the auditor trusts", i, r.MSP)
		}
	}
	a.listed = t.LogKeys
	return nil
}

// auditChain replays all blocks.
func (a *audit) auditChain(ctx context.Context) error {
	a.chain = newChainAudit(a.policy, a.options.OrdererRoots, &a.report.Chain, a.skipped)
	if len(a.options.OrdererRoots) == 0 {
		a.skipped.add(NotOrdererRoots, 0)
	}
	if a.state.Chain.Height > 0 {
		if err := a.chain.load(a.state.Chain); err != nil {
			return fmt.Errorf("the audit's state: %w", err)
		}
	}
	from := int64(a.chain.height)
	if from > a.manifest.Blocks {
		return bad(StageChain, fmt.Sprintf("block %d", a.manifest.Blocks), "is missing: the audit before has seen %d blocks", from)
	}
	return a.stage(StageChain, from, func() (int64, error) {
		err := a.blocks(ctx)
		return int64(a.chain.height) - from, err
	})
}

func (a *audit) blocks(ctx context.Context) error {
	f, err := openFrames(filepath.Join(a.dir, BlocksFile), a.state.Chain.Offset, maxBlock)
	if err != nil {
		return err
	}
	defer f.close()
	for {
		if err := ctx.Err(); err != nil {
			a.state.Chain = a.chain.save(f.at)
			return errors.Join(err, a.keep())
		}
		raw, err := f.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad(StageChain, fmt.Sprintf("block %d", a.chain.height), "%v", err)
		}
		if err := a.chain.block(raw); err != nil {
			return err
		}
		a.progress(StageChain, int64(a.chain.height), a.manifest.Blocks)
	}
	if n := int64(a.chain.height); n != a.manifest.Blocks {
		if a.whole(BlocksFile) {
			return bad(StageFolder, ManifestFile, "it says %d blocks, there are %d", a.manifest.Blocks, n)
		}
		return bad(StageChain, fmt.Sprintf("block %d", min(n, a.manifest.Blocks)), "the manifest has %d blocks, the file %d", a.manifest.Blocks, n)
	}
	if a.chain.height == 0 {
		return bad(StageChain, "block 0", "is missing")
	}
	a.state.Chain = a.chain.save(f.at)
	return a.keep()
}

// whole tells whether a file is as long as the manifest says: when a count is wrong then, it is the manifest's.
func (a *audit) whole(name string) bool {
	info, err := os.Stat(filepath.Join(a.dir, filepath.FromSlash(name)))
	return err == nil && info.Size() == a.manifest.Files[name]
}

// auditLog checks one log: its checkpoints, its tree, its data.
func (a *audit) auditLog(ctx context.Context, log LogManifest) error {
	s := a.state.Logs[string(log.Origin)]
	if s == nil {
		s = &savedLog{Name: log.Name, Data: make([]int64, 4)}
		a.state.Logs[string(log.Origin)] = s
	}
	l := &logRun{a: a, log: log, dir: filepath.Join(a.dir, string(log.Origin)), saved: s}
	if s.Name != log.Name {
		return bad(StageFolder, ManifestFile, "the log %s had another name at the audit before", log.Origin)
	}
	for _, stage := range []func(context.Context) error{l.checkpoints, l.tree, l.data} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return l.finish()
}

// rest checks what needs all logs.
func (a *audit) rest(ctx context.Context) error {
	contract := a.chain.contract()
	if err := a.checkNoOtherLog(contract); err != nil {
		return err
	}
	c := &caseAudit{contract: contract, logs: a.byName, dir: a.dir, skipped: a.skipped}
	if err := a.stage(StageCases, 0, func() (int64, error) { err := c.run(ctx); return c.count, err }); err != nil {
		return err
	}
	if err := a.stage(StageReceipts, 0, a.checkReceipts); err != nil {
		return err
	}
	if err := a.checkFiles(); err != nil {
		return err
	}
	return a.keep()
}

// keep saves the state when the audit is one that goes on later.
func (a *audit) keep() error {
	if !a.options.Resume {
		return nil
	}
	return a.saveState()
}

// twinSuffix is what the origin line of a log's twin ends with: the same entries under SM3, signed with SM2. A twin is
// verified by itself, with programs that know these algorithms.
const twinSuffix = "/sm3"

// checkNoOtherLog refuses an export that leaves out a log with checkpoints on the chain.
func (a *audit) checkNoOtherLog(contract map[string]Value) error {
	known := map[string]bool{}
	for name := range a.byName {
		known[ledger.OriginID(name)] = true
		if _, ok := contract["head/"+ledger.OriginID(name+twinSuffix)]; ok {
			known[ledger.OriginID(name+twinSuffix)] = true
			a.skipped.add(NotTwin, 0)
		}
	}
	for key := range contract {
		if id, ok := bytes.CutPrefix([]byte(key), []byte("head/")); ok && !known[string(id)] {
			return bad(StageFolder, ManifestFile, "the log %s of the chain is missing", id)
		}
	}
	return nil
}

// checkFiles compares the files' lengths with the manifest, when all that is in them was found right.
func (a *audit) checkFiles() error {
	for _, name := range slices.Sorted(maps.Keys(a.manifest.Files)) {
		if !filepath.IsLocal(name) || !a.whole(name) {
			return bad(StageFolder, ManifestFile, "%.80s is not as long as it says", name)
		}
	}
	return nil
}

// finish completes the report in every case.
func (a *audit) finish() {
	if a.report.Fault != nil || a.report.Word == ledger.CannotEvaluate {
		a.skipped.add(NotAfterFault, 0)
	}
	a.report.ExitCode = a.report.Word.ExitCode()
	a.report.NotChecked = a.skipped.list()
}

// late turns the saved form of segments that wait for another into the running one, and back.
func late(m map[string]int64) map[uuid.UUID]int64 {
	out := map[uuid.UUID]int64{}
	for id, index := range m {
		if u, err := uuid.Parse(id); err == nil {
			out[u] = index
		}
	}
	return out
}

// JSON returns the report as it is printed and kept.
func (r Report) JSON() []byte {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // the types here always have a form
	}
	return append(b, '\n')
}
