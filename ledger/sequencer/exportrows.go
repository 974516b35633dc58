package sequencer

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// window is a stretch of time that segments of many devices share.
type window struct{ from, to time.Time }

// segments writes the rows behind each record that is a device's segment. Records of one window are read at once.
func (x *export) segments(ctx context.Context, rs []ledger.Record, into *appended) error {
	devices := map[window][]string{}
	segments := make([]*ledger.Segment, len(rs))
	for i, r := range rs {
		s, err := ledger.ParseSegment(r.Payload)
		if r.Kind != ledger.SegmentKind || err != nil {
			continue
		}
		segments[i] = &s
		w := window{s.From, s.To}
		if !slices.Contains(devices[w], s.Device) {
			devices[w] = append(devices[w], s.Device)
		}
	}
	rows := map[window]map[string][]ledger.Reading{}
	for w, ds := range devices {
		all, err := x.from.Rows.Rows(ctx, ds, w.from, w.to)
		if err != nil {
			return err
		}
		rows[w] = map[string][]ledger.Reading{}
		for _, r := range all {
			rows[w][r.Device] = append(rows[w][r.Device], r)
		}
	}
	for i, s := range segments {
		out := audit.Rows{Holds: audit.HoldsNone}
		if s != nil {
			var err error
			if out, err = x.segment(ctx, rs[i], *s, rows[window{s.From, s.To}][s.Device]); err != nil {
				return err
			}
		}
		b, err := out.Encode()
		if err != nil {
			return err
		}
		if err := into.write(audit.Frame(b)); err != nil {
			return err
		}
	}
	return nil
}

// segment returns a segment's rows. When they are not those it was made of and a later segment covers the window
// again, they came late; when no later one does, they are exported as they are, and the auditor will see it.
func (x *export) segment(ctx context.Context, r ledger.Record, s ledger.Segment, rs []ledger.Reading) (audit.Rows, error) {
	if uint64(len(rs)) != s.Count || ledger.SegmentRoot(rs) != s.Root {
		late, err := x.from.Store.Superseded(ctx, r)
		if err != nil {
			return audit.Rows{}, err
		}
		if late {
			return audit.Rows{Holds: audit.HoldsLate}, nil
		}
	}
	out := audit.Rows{}
	for _, reading := range rs {
		out.Rows = append(out.Rows, ledger.ReadingLeaf(reading))
	}
	return out, nil
}

// appended is a file of an export that grows: first cut to what the manifest knows of it, durable when closed.
type appended struct {
	x    *export
	name string
	f    *os.File
	w    *bufio.Writer
	size int64
}

func (x *export) append(name string) (*appended, error) {
	f, err := os.OpenFile(filepath.Join(x.dir, filepath.FromSlash(name)), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(x.dir, filepath.FromSlash(name))), 0o700); err != nil {
			return nil, err
		}
		return x.append(name)
	}
	if err != nil {
		return nil, err
	}
	size := x.manifest.Files[name]
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(size, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &appended{x: x, name: name, f: f, w: bufio.NewWriterSize(f, 1<<20), size: size}, nil
}

func (a *appended) write(b []byte) error {
	a.size += int64(len(b))
	_, err := a.w.Write(b)
	return err
}

func (a *appended) close() error {
	err := errors.Join(a.w.Flush(), a.f.Sync(), a.f.Close())
	a.x.manifest.Files[a.name] = a.size
	return err
}
