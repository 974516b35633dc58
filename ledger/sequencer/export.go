package sequencer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// BlockSource hands out the channel's blocks as a peer has them; ledger/fabric implements it.
type BlockSource interface {
	// Blocks calls fn with each block from a number on, in order, up to the present height. An error of fn ends it.
	Blocks(ctx context.Context, from uint64, fn func(number uint64, raw []byte) error) error
}

// RowSource reads the rows behind device segments.
type RowSource interface {
	// Rows returns the stored readings of the devices from a moment until before another, ordered by device, metric,
	// time and the device's count.
	Rows(ctx context.Context, devices []string, from, to time.Time) ([]ledger.Reading, error)
}

// ExportStore is what an export reads of the store; Postgres implements it.
type ExportStore interface {
	// Range returns the records of a log's entries from an index on, by index, at most limit.
	Range(ctx context.Context, o ledger.Origin, first int64, limit int) ([]ledger.Record, error)
	// After returns the attested checkpoints above a size, by size, at most limit.
	After(ctx context.Context, o ledger.Origin, size int64, limit int) ([]Anchor, error)
	// Superseded tells whether a record that is sealed or waits supersedes r.
	Superseded(ctx context.Context, r ledger.Record) (bool, error)
}

// ExportFrom is what an export is made of beside the logs.
type ExportFrom struct {
	Store  ExportStore
	Blocks BlockSource
	Rows   RowSource // nil: without the rows of readings
	Roots  []ledger.TrustedRoot
	// Progress is told how far each part is; nil for none.
	Progress func(part string, done, total int64)
}

// exportReceipts is how many of each log's newest receipts an export holds as samples.
const exportReceipts = 8

// exportChunk is how many records are read at once.
const exportChunk = 1024

// export is one run of Export.
type export struct {
	s        *Sequencer
	dir      string
	from     ExportFrom
	manifest audit.Manifest
}

// Export writes the folder that an auditor checks offline with audit.Run: the chain's blocks, the logs with their
// checkpoints and attestations, the data of record with what opens its commitments. A folder that holds an earlier
// export gets what is new; one that an earlier run left unfinished is completed. What stands in the folder is never
// changed, and the manifest is written last.
//
// The folder holds payloads and salts: it is as secret as the database.
func (s *Sequencer) Export(ctx context.Context, dir string, from ExportFrom) error {
	x := &export{s: s, dir: dir, from: from}
	if x.from.Progress == nil {
		x.from.Progress = func(string, int64, int64) {}
	}
	if err := x.open(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := x.blocks(ctx); err != nil {
		return fmt.Errorf("export blocks: %w", err)
	}
	for _, o := range Origins {
		if err := x.log(ctx, o); err != nil {
			return fmt.Errorf("export the log %s: %w", o, err)
		}
	}
	if err := x.roots(); err != nil {
		return fmt.Errorf("export roots: %w", err)
	}
	return x.put(audit.ManifestFile, x.manifest.Encode())
}

// open reads the manifest of an earlier export.
func (x *export) open() error {
	for _, sub := range []string{"chain", audit.ReceiptsDir} {
		if err := os.MkdirAll(filepath.Join(x.dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := x.begin(); err != nil {
		return err
	}
	m, err := audit.ReadManifest(x.dir)
	channel, chaincode := x.s.cfg.Trust.Channel, x.s.cfg.Trust.Chaincode
	if errors.Is(err, os.ErrNotExist) {
		x.manifest = audit.NewManifest(channel, chaincode)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", audit.ManifestFile, err)
	}
	x.manifest = m
	if m.Channel != audit.NewManifest(channel, chaincode).Channel {
		return fmt.Errorf("%s is an export of the channel %s", x.dir, m.Channel)
	}
	return nil
}

// begin gives a new folder its name; one without a name is written anew.
func (x *export) begin() error {
	begun, err := audit.ReadBegun(x.dir)
	if err != nil || begun != "" {
		return err
	}
	if err := os.Remove(filepath.Join(x.dir, audit.ManifestFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return x.put(audit.BegunFile, []byte(uuid.NewString()+"\n"))
}

// put writes a small file whole.
func (x *export) put(name string, b []byte) error {
	path := filepath.Join(x.dir, filepath.FromSlash(name))
	if err := writeDurably(path+".new", b); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func (x *export) blocks(ctx context.Context) error {
	f, err := x.append(audit.BlocksFile)
	if err != nil {
		return err
	}
	err = x.from.Blocks.Blocks(ctx, uint64(x.manifest.Blocks), func(n uint64, raw []byte) error {
		x.manifest.Blocks = int64(n) + 1
		x.from.Progress("blocks", x.manifest.Blocks, 0)
		return f.write(audit.Frame(raw))
	})
	return errors.Join(err, f.close())
}

// roots writes whom the house trusts, for comparison with whom the auditor trusts.
func (x *export) roots() error {
	t := ledger.Trust{Roots: []ledger.TrustedRoot{}, LogKeys: []string{}}
	for _, r := range x.from.Roots {
		certs, err := ledger.ParseCertificates([]byte(r.PEM))
		if err != nil {
			return err
		}
		t.Roots = append(t.Roots, ledger.TrustedRoot{MSP: r.MSP, PEM: audit.PEM(certs)})
	}
	for _, key := range x.s.LogKeys() {
		for _, l := range x.manifest.Logs {
			if l.Size > 0 && bytes.HasPrefix([]byte(key), []byte(l.Name+"+")) {
				t.LogKeys = append(t.LogKeys, key)
			}
		}
	}
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return x.put(audit.RootsFile, append(b, '\n'))
}

// log adds what is new in one log.
func (x *export) log(ctx context.Context, o ledger.Origin) error {
	l, err := x.s.Log(o)
	if err != nil {
		return err
	}
	c, err := x.settled(ctx, o, l)
	if err != nil {
		return err
	}
	m := x.manifest.Log(o)
	m.Name, m.Data, m.Rows = l.Origin(), true, o == ledger.Device && x.from.Rows != nil
	if err := os.MkdirAll(filepath.Join(x.dir, string(o)), 0o700); err != nil {
		return err
	}
	if err := x.anchors(ctx, m); err != nil {
		return err
	}
	if c.Size == 0 {
		return nil
	}
	if err := x.tree(l, m, c.Size); err != nil {
		return err
	}
	if err := x.records(ctx, m, c.Size); err != nil {
		return err
	}
	_, signed, err := l.NoteAt(c.Size)
	if err != nil {
		return err
	}
	m.Size, m.Root = c.Size, c.Root.String()
	return x.put(string(o)+"/"+audit.CheckpointFile, signed)
}

// settled waits until the projection has what the log has now, and returns that checkpoint.
func (x *export) settled(ctx context.Context, o ledger.Origin, l *Log) (ledger.Checkpoint, error) {
	c, _ := l.Checkpoint()
	for {
		done, err := x.s.store.Projected(ctx, o)
		if err != nil || done.Size >= c.Size {
			return c, err
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// anchors adds the attested checkpoints that are in the blocks at hand.
func (x *export) anchors(ctx context.Context, m *audit.LogManifest) error {
	f, err := x.append(string(m.Origin) + "/" + audit.CheckpointsFile)
	if err != nil {
		return err
	}
	last, err := x.lastAnchor(ctx, m)
	for more := err == nil; more; {
		var as []Anchor
		as, err = x.from.Store.After(ctx, m.Origin, last, exportChunk)
		more = err == nil && len(as) == exportChunk
		for _, a := range as {
			if int64(a.Place.Block) >= x.manifest.Blocks {
				return f.close()
			}
			if err := x.anchor(f, a); err != nil {
				return errors.Join(err, f.close())
			}
			last = a.Size
			m.Checkpoints++
		}
	}
	return errors.Join(err, f.close())
}

// lastAnchor returns the size of the newest attested checkpoint in the folder: the m.Checkpoints-th of the store.
func (x *export) lastAnchor(ctx context.Context, m *audit.LogManifest) (int64, error) {
	last := int64(0)
	for n := m.Checkpoints; n > 0; {
		as, err := x.from.Store.After(ctx, m.Origin, last, int(min(n, exportChunk)))
		if err != nil {
			return 0, err
		}
		if len(as) == 0 {
			return 0, fmt.Errorf("the folder has more checkpoints than the store")
		}
		last, n = as[len(as)-1].Size, n-int64(len(as))
	}
	return last, nil
}

func (x *export) anchor(f *appended, a Anchor) error {
	attestation, err := a.Attestation.Encode()
	if err != nil {
		return err
	}
	b, err := audit.Attested{Note: a.Note, Attestation: attestation}.Encode()
	if err != nil {
		return err
	}
	return f.write(audit.Frame(b))
}

// tree adds entries and tile hashes.
func (x *export) tree(l *Log, m *audit.LogManifest, size int64) error {
	f, err := x.append(string(m.Origin) + "/" + audit.EntriesFile)
	if err != nil {
		return err
	}
	for at := m.Size; at < size; {
		n, skip := at/tileWidth, int(at%tileWidth)
		width := int(min(tileWidth, size-n*tileWidth))
		bundle, err := l.Bundle(n, width)
		if err == nil && skip > 0 {
			bundle, err = skipEntries(bundle, skip)
		}
		if err == nil {
			err = f.write(bundle)
		}
		if err != nil {
			return errors.Join(err, f.close())
		}
		at = n*tileWidth + int64(width)
		x.from.Progress(string(m.Origin)+" entries", at, size)
	}
	if err := f.close(); err != nil {
		return err
	}
	for level := 0; size>>(level*tileHeight) > 0; level++ {
		if err := x.level(l, m, level, size); err != nil {
			return err
		}
	}
	return nil
}

func skipEntries(bundle []byte, n int) ([]byte, error) {
	entries, err := splitBundle(bundle)
	if err != nil {
		return nil, err
	}
	for _, e := range entries[:n] {
		bundle = bundle[2+len(e):]
	}
	return bundle, nil
}

func (x *export) level(l *Log, m *audit.LogManifest, level int, size int64) error {
	f, err := x.append(string(m.Origin) + "/" + audit.HashesFile(level))
	if err != nil {
		return err
	}
	end := size >> (level * tileHeight)
	for at := m.Size >> (level * tileHeight); at < end; {
		n, skip := at/tileWidth, at%tileWidth
		width := min(tileWidth, end-n*tileWidth)
		b, err := l.Tile(level, n, int(width))
		if err == nil {
			err = f.write(b[skip*hashSize:])
		}
		if err != nil {
			return errors.Join(err, f.close())
		}
		at = n*tileWidth + width
	}
	return f.close()
}

// records adds the data of record, and the rows behind segments.
func (x *export) records(ctx context.Context, m *audit.LogManifest, size int64) error {
	records, err := x.append(string(m.Origin) + "/" + audit.RecordsFile)
	if err != nil {
		return err
	}
	rows, err := x.append(string(m.Origin) + "/" + audit.RowsFile)
	if err != nil {
		return errors.Join(err, records.close())
	}
	var newest []uuid.UUID
	for at := m.Size; at < size; {
		rs, err := x.from.Store.Range(ctx, m.Origin, at, int(min(exportChunk, size-at)))
		if err == nil && len(rs) == 0 {
			err = fmt.Errorf("the record of entry %d is missing in the store", at)
		}
		if err == nil {
			err = x.chunk(ctx, m, rs, records, rows)
		}
		if err != nil {
			return errors.Join(err, records.close(), rows.close())
		}
		at += int64(len(rs))
		for _, r := range rs {
			newest = append(newest, r.ID)
		}
		newest = newest[max(0, len(newest)-4*exportReceipts):]
		x.from.Progress(string(m.Origin)+" records", at, size)
	}
	if err := errors.Join(records.close(), rows.close()); err != nil {
		return err
	}
	return x.receipts(ctx, newest)
}

// chunk writes some records.
func (x *export) chunk(ctx context.Context, m *audit.LogManifest, rs []ledger.Record, records, rows *appended) error {
	for _, r := range rs {
		b, err := x.record(ctx, r)
		if err != nil {
			return fmt.Errorf("record %s: %w", r.ID, err)
		}
		if err := records.write(audit.Frame(b)); err != nil {
			return err
		}
	}
	if !m.Rows {
		return nil
	}
	return x.segments(ctx, rs, rows)
}

// record returns one row of the data of record as the folder holds it.
func (x *export) record(ctx context.Context, r ledger.Record) ([]byte, error) {
	w := audit.Record{ID: r.ID[:], Kind: r.Kind, Org: r.Org, From: r.From.UnixMilli(), To: r.To.UnixMilli(), Count: r.Count,
		Relation: string(r.Relation)}
	for _, id := range r.Inputs {
		w.Inputs = append(w.Inputs, id[:])
	}
	if r.Supersedes != uuid.Nil {
		w.Supersedes = r.Supersedes[:]
	}
	if r.Shredded {
		w.Holds = audit.HoldsErased
		return w.Encode()
	}
	var err error
	w.Payload = r.Payload
	if w.Salt, err = x.s.keys.Salt(r); err != nil {
		return nil, err
	}
	return w.Encode()
}

// receipts writes samples of the newest receipts, of the records that have one already.
func (x *export) receipts(ctx context.Context, ids []uuid.UUID) error {
	written := 0
	for i := len(ids) - 1; i >= 0 && written < exportReceipts; i-- {
		o, index, err := x.s.store.Locate(ctx, ids[i])
		if err != nil {
			return err
		}
		a, err := x.s.store.Covering(ctx, o, index)
		if err != nil || int64(a.Place.Block) >= x.manifest.Blocks {
			continue // not anchored within the blocks at hand
		}
		b, err := x.s.Receipt(ctx, ids[i], DiscloseNothing)
		if err != nil {
			return err
		}
		if err := x.put(audit.ReceiptsDir+"/"+ids[i].String()+".tlog-proof", b); err != nil {
			return err
		}
		written++
	}
	return nil
}
