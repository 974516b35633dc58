package audit

import (
	"context"
	"errors"
	"fmt"

	"plinth/ledger"
)

// logRun is the part of an audit that looks at one log.
type logRun struct {
	a      *audit
	log    LogManifest
	dir    string
	saved  *savedLog
	points *checkpointAudit
	root   string
	people int64 // subjects
}

// checkpoints checks the log's checkpoints against the chain.
func (l *logRun) checkpoints(ctx context.Context) error {
	contract := l.a.chain.contract()
	c := &checkpointAudit{log: l.log, dir: l.dir, policy: l.a.policy, listed: l.a.listed, seen: l.saved.Seen}
	l.points, c.height = c, l.a.chain.height
	return l.a.stage(StageCheckpoints, l.saved.Seen, func() (int64, error) {
		for _, step := range []func() error{
			func() error { return c.readKeys(contract) }, c.checkGivenKeys,
			func() error { return c.readChain(contract) },
			func() error { return c.checkHead(contract) }, c.readSealed,
		} {
			if err := step(); err != nil {
				return 0, err
			}
		}
		at, err := c.run(ctx, l.saved.SeenAt, func(n int64) { l.a.progress(StageCheckpoints, n, l.log.Checkpoints) })
		n := c.seen - l.saved.Seen
		if err != nil {
			return n, err
		}
		l.saved.Seen, l.saved.SeenAt = c.seen, at
		return n, l.checkCounts()
	})
}

// checkCounts compares the manifest with what the log and the chain say.
func (l *logRun) checkCounts() error {
	c := l.points
	switch {
	case c.seen != l.log.Checkpoints && l.a.whole(string(l.log.Origin)+"/"+CheckpointsFile):
		return l.manifest("it says %d attested checkpoints, there are %d", l.log.Checkpoints, c.seen)
	case c.seen != l.log.Checkpoints:
		return c.fault(fmt.Sprintf("attested checkpoint %d", c.seen), "is missing, or beyond the %d of the manifest", l.log.Checkpoints)
	case (c.sealed.Size == l.log.Size) != (c.sealed.Size == 0 || c.sealed.Root.String() == l.log.Root):
		return l.manifest("size and root of %s are not those of one checkpoint", l.log.Origin)
	case c.sealed.Size != l.log.Size:
		return c.fault("checkpoint", "its size is %d, the manifest's %d", c.sealed.Size, l.log.Size)
	case c.sealed.Size == 0 && l.log.Root != "":
		return l.manifest("it has a root of the empty log %s", l.log.Origin)
	}
	if c.newest() == 0 && l.log.Size > 0 {
		l.a.skipped.add(NotUnanchored, l.log.Size)
	} else if n := l.log.Size - c.newest(); n > 0 {
		l.a.skipped.add(NotUnanchored, n)
	}
	if len(l.a.policy.LogKeys) == 0 {
		l.a.skipped.add(NotLogKeys, 0)
	}
	return nil
}

func (l *logRun) manifest(format string, args ...any) error {
	return bad(StageFolder, ManifestFile, format, args...)
}

// tree computes the log's tree.
func (l *logRun) tree(ctx context.Context) error {
	if l.log.Size == 0 {
		return l.emptied()
	}
	t := &treeAudit{origin: string(l.log.Origin), dir: l.dir, size: l.log.Size, points: l.points.points(), tree: l.saved.tree(),
		offset: l.saved.Offset, tell: func(n int64) { l.a.progress(StageTree, n, l.log.Size) }}
	if err := l.extend(t); err != nil {
		return err
	}
	from := t.tree.size
	err := l.a.stage(StageTree, from, func() (int64, error) {
		err := t.run(ctx)
		return max(t.tree.size, t.good) - from, err
	})
	var f *forked
	switch {
	case errors.As(err, &f):
		return l.narrow(ctx, f)
	case err != nil:
		if t.differ == "" && ctx.Err() != nil {
			l.saved.setTree(t.tree, t.offset)
			return errors.Join(err, l.a.keep())
		}
		return err
	}
	l.root = l.points.sealed.Root.String()
	l.saved.setTree(t.tree, t.offset)
	l.saved.Size, l.saved.Root = l.log.Size, l.points.sealed.Root[:]
	return l.a.keep()
}

// emptied refuses a log that had entries at the audit before.
func (l *logRun) emptied() error {
	if l.saved.Size > 0 {
		return bad(StageTree, fmt.Sprintf("%s entry %d", l.log.Origin, l.saved.Size-1), "is missing: the audit before has seen it")
	}
	return nil
}

// extend makes the tree of the audit before one of those that this one must contain.
func (l *logRun) extend(t *treeAudit) error {
	p, ok := l.saved.point()
	if !ok {
		return nil
	}
	if p.size > l.log.Size {
		return bad(StageTree, fmt.Sprintf("%s entry %d", l.log.Origin, l.log.Size), "is missing: %s has seen %d entries", p.says, p.size)
	}
	at := 0
	for at < len(t.points) && t.points[at].size < t.tree.size {
		at++ // judged before, when the tree had this size
	}
	t.points = append([]anchorPoint{p}, t.points[at:]...)
	t.good = t.tree.size
	sortPoints(t.points)
	return nil
}

// narrow names the entry that was altered with its tree, if its row tells.
func (l *logRun) narrow(ctx context.Context, f *forked) error {
	if !l.log.Data {
		return f.Fault
	}
	d := l.dataAudit()
	d.withRows = false
	if i := d.narrow(ctx, f.from, f.to); i >= 0 {
		f.Fault.Object = fmt.Sprintf("%s entry %d", l.log.Origin, i)
		f.Fault.Reason += "; the entry does not fit its row"
	}
	return f.Fault
}

func (l *logRun) dataAudit() *dataAudit {
	contract := l.a.chain.contract()
	d := l.saved.Data
	return &dataAudit{origin: string(l.log.Origin), dir: l.dir, size: l.log.Size, withData: l.log.Data, withRows: l.log.Data && l.log.Rows,
		contract: contract, skipped: l.a.skipped, tell: func(n int64) { l.a.progress(StageData, n, l.log.Size) },
		at: dataPlace{d[0], d[1], d[2], d[3]}, subjects: l.saved.subjects(), late: late(l.saved.Late),
		erasures: l.a.erasures, shredded: map[ledger.Tag]int64{}}
}

// data follows the data of record.
func (l *logRun) data(ctx context.Context) error {
	d := l.dataAudit()
	l.note(d)
	l.saved.loadErasures(d.erasures)
	from := d.at.Index
	err := l.a.stage(StageData, from, func() (int64, error) {
		err := d.run(ctx)
		return d.at.Index - from, err
	})
	if err != nil && ctx.Err() == nil {
		return err
	}
	l.people = int64(len(d.subjects))
	l.saved.Data = []int64{d.at.Index, d.at.Entries, d.at.Records, d.at.Rows}
	l.saved.setSubjects(d.subjects)
	l.saved.setErasures(d.erasures)
	l.saved.Late = map[string]int64{}
	for id, index := range d.late {
		l.saved.Late[id.String()] = index
	}
	return errors.Join(err, l.a.keep())
}

// note tells which data are not there to be checked.
func (l *logRun) note(d *dataAudit) {
	if l.log.Size == 0 {
		return
	}
	if !d.withData {
		l.a.noData = true
		l.a.skipped.add(NotData, l.log.Size)
	}
	if !d.withRows && l.log.Origin == ledger.Device {
		l.a.skipped.add(NotRows, 0)
	}
}

// finish reports the log.
func (l *logRun) finish() error {
	for _, k := range l.points.keys {
		l.a.logKeys = append(l.a.logKeys, k.String())
	}
	l.a.report.Logs = append(l.a.report.Logs, LogReport{Origin: l.log.Name, Size: l.log.Size, Root: l.root,
		Anchored: l.points.newest(), Subjects: l.people})
	return nil
}
