package audit

import (
	"context"

	"github.com/google/uuid"

	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// Point is a size with its root, for tests of the tree alone.
type Point struct {
	Size int64
	Root tlog.Hash
}

// Tree audits the tree of the log in dir against known roots, as a whole audit does for each log.
func Tree(ctx context.Context, dir string, points ...Point) error {
	t := &treeAudit{origin: "authz", dir: dir, size: points[len(points)-1].Size, tell: func(int64) {}}
	for _, p := range points {
		t.points = append(t.points, anchorPoint{p.Size, p.Root, "the test"})
	}
	return t.run(ctx)
}

// Parse reads an envelope and, as if it were one, a configuration. Neither may do more than fail.
func Parse(b []byte) {
	_, _ = parseTransaction(b)
	_, _ = parseConfig(b)
	var s blockSignatures
	_ = s.read(b)
}

// Data audits the data of record of the log in dir, without its rows, as a whole audit does for each log. The chain is
// said to know the redactions.
func Data(ctx context.Context, dir string, size int64, redactions ...string) error {
	d := &dataAudit{origin: "authz", dir: dir, size: size, withData: true, skipped: newSkips(), tell: func(int64) {},
		subjects: map[ledger.Tag]subject{}, late: map[uuid.UUID]int64{}, contract: map[string]Value{},
		erasures: map[ledger.Tag]bool{}, shredded: map[ledger.Tag]int64{}}
	for _, key := range redactions {
		d.contract[key] = Value{}
	}
	return d.run(ctx)
}
