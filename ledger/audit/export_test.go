package audit

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"
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
