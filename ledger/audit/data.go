package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth/ledger"
)

// subject is how far one subject's entries were followed.
type subject struct {
	Seq   uint64
	Index int64
}

// dataAudit follows the data of record to the entries, and each subject's entries in their order. The entries are
// proven before by the tree.
type dataAudit struct {
	origin   string
	dir      string
	size     int64
	withData bool
	withRows bool
	contract map[string]Value // the contract's state
	skipped  *skips
	tell     func(int64)

	at       dataPlace
	subjects map[ledger.Tag]subject
	late     map[uuid.UUID]int64  // segments without rows that a later one must supersede
	erasures map[ledger.Tag]bool  // subjects of which an entry tells that they were erased; of all logs audited so far
	shredded map[ledger.Tag]int64 // the newest record of each subject that is said to be erased and of which none tells yet
}

// dataPlace is where in the files the next entry, record and rows begin.
type dataPlace struct {
	Index, Entries, Records, Rows int64
}

const entriesInBatch = 1024

// dataBatch is some entries with what belongs to them.
type dataBatch struct {
	first   int64
	entries [][]byte
	records [][]byte
	rows    [][]byte
	parsed  []ledger.Entry
	holds   []uint8 // of each record
	rowHold []uint8
	fault   error // the first, and of which nothing after is looked at
	after   dataPlace
}

func (d *dataAudit) fault(index int64, what, format string, args ...any) *Fault {
	return bad(StageData, fmt.Sprintf("%s %s %d", d.origin, what, index), format, args...)
}

// run goes through entries and data from where it is to the end.
func (d *dataAudit) run(ctx context.Context) error {
	if d.size == 0 {
		return nil
	}
	f, err := os.Open(filepath.Join(d.dir, EntriesFile))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(d.at.Entries, io.SeekStart); err != nil {
		return err
	}
	records, err := openFrames(filepath.Join(d.dir, RecordsFile), d.at.Records, maxRecord)
	if err != nil {
		return err
	}
	defer records.close()
	rows, err := openFrames(filepath.Join(d.dir, RowsFile), d.at.Rows, maxRows)
	if err != nil {
		return err
	}
	defer rows.close()
	r := &dataReader{d: d, entries: &entryReader{r: bufio.NewReaderSize(f, 1<<18), next: d.at.Index, size: d.size,
		offset: d.at.Entries}, records: records, rows: rows}
	if err := pipe(ctx, func() *dataBatch { return &dataBatch{} }, r.read, d.work, d.take); err != nil {
		return err
	}
	if err := d.untold(); err != nil {
		return err
	}
	if n := int64(len(d.late)); n > 0 {
		d.skipped.add(NotPendingRows, n)
	}
	return d.end(r)
}

// dataReader reads the three files beside each other.
type dataReader struct {
	d             *dataAudit
	entries       *entryReader
	records, rows *frames
}

func (r *dataReader) read(b *dataBatch) (bool, error) {
	*b = dataBatch{first: r.entries.next}
	var t treeBatch
	for r.entries.next < r.entries.size && len(t.ends) < entriesInBatch {
		if err := r.entries.entry(&t); err != nil {
			return false, err // the tree has read the same file
		}
	}
	begin := int32(0)
	for i, end := range t.ends {
		b.entries, begin = append(b.entries, t.buf[begin+2:end]), end
		index := b.first + int64(i)
		if r.d.withData && b.fault == nil {
			b.records, b.fault = r.next(r.records, b.records, index, "record")
		}
		if r.d.withRows && b.fault == nil {
			b.rows, b.fault = r.next(r.rows, b.rows, index, "rows of record")
		}
	}
	b.after = dataPlace{r.entries.next, r.entries.offset, r.records.at, r.rows.at}
	return len(b.entries) > 0, nil
}

func (r *dataReader) next(f *frames, into [][]byte, index int64, what string) ([][]byte, error) {
	raw, err := f.next()
	if err == io.EOF {
		return into, r.d.fault(index, what, "is missing")
	}
	if err != nil {
		return into, r.d.fault(index, what, "%v", err)
	}
	return append(into, raw), nil
}

// work parses the entries and opens their commitments.
func (d *dataAudit) work(b *dataBatch) {
	for i, raw := range b.entries {
		e, err := ledger.ParseEntry(raw)
		if err != nil {
			b.fault = d.fault(b.first+int64(i), "entry", "%v", err)
			return
		}
		b.parsed = append(b.parsed, e)
		if !d.withData || i >= len(b.records) {
			continue
		}
		payload, holds, err := d.record(b.first+int64(i), e, raw, b.records[i])
		if err != nil {
			b.fault = err
			return
		}
		b.holds = append(b.holds, holds)
		if !d.withRows || i >= len(b.rows) {
			continue
		}
		rowHold, err := d.rows(b.first+int64(i), e, payload, holds, b.rows[i])
		if err != nil {
			b.fault = err
			return
		}
		b.rowHold = append(b.rowHold, rowHold)
	}
}

// record makes the entry anew of the row and what opens its commitment, and compares.
func (d *dataAudit) record(index int64, e ledger.Entry, entry, raw []byte) (payload []byte, holds uint8, err error) {
	var r Record
	if err := decode(raw, &r); err != nil {
		return nil, 0, d.fault(index, "record", "%v", err)
	}
	made, err := r.entry(e)
	if err != nil {
		return nil, 0, d.fault(index, "record", "%v", err)
	}
	if r.Holds == HoldsErased {
		made.Commitment = e.Commitment
	} else if err := e.Commitment.Opens(r.Salt, r.Payload); err != nil {
		return nil, 0, &notRow{d.fault(index, "record", "%v", err), index}
	}
	if b, err := made.Encode(); err != nil || !bytes.Equal(b, entry) {
		return nil, 0, &notRow{d.fault(index, "record", "the row is not the one that the entry was made of"), index}
	}
	return r.Payload, r.Holds, nil
}

// erasedKind is the kind of the entry that tells of an erasure; its subject is the erased one.
const erasedKind = "subject.erased"

// follow keeps account of erasures: an operator may not just say that a payload is gone. The chain must have a redaction
// of the record, or the log an entry that tells of its subject's erasure, after it if it is in the same log.
func (d *dataAudit) follow(index int64, e ledger.Entry, erased bool) {
	if e.Kind == erasedKind {
		d.erasures[e.Tag] = true
		delete(d.shredded, e.Tag)
	}
	if !erased {
		return
	}
	d.skipped.add(NotErased, 1)
	_, redacted := d.contract["red/"+hex.EncodeToString(e.ID[:])]
	if told := d.erasures[e.Tag] && d.origin != string(ledger.Authz); !redacted && !told {
		d.shredded[e.Tag] = index
	}
}

// untold returns the fault of the first record that is said to be erased while nothing tells of that.
func (d *dataAudit) untold() error {
	if len(d.shredded) == 0 {
		return nil
	}
	return d.fault(slices.Min(slices.Collect(maps.Values(d.shredded))), "record",
		"it is said to be erased, and neither chain nor log tells of that")
}

// entry makes the entry of a row; what only the log knows is taken from the entry at hand.
func (r Record) entry(e ledger.Entry) (ledger.Entry, error) {
	made := ledger.Entry{Kind: r.Kind, Org: r.Org, Tag: e.Tag, Case: e.Case, Seq: e.Seq, Prev: e.Prev, From: time.UnixMilli(r.From).UTC(),
		To: time.UnixMilli(r.To).UTC(), Count: r.Count, Commitment: e.Commitment, Relation: ledger.Relation(r.Relation)}
	if len(r.ID) != 16 || len(r.Supersedes) != 0 && len(r.Supersedes) != 16 || r.Holds > HoldsErased {
		return made, errors.New("it is not of the expected form")
	}
	if r.Holds == HoldsErased && (r.Payload != nil || r.Salt != nil) {
		return made, errors.New("it is said to be erased and has a payload or salt")
	}
	made.ID = uuid.UUID(r.ID)
	if r.Supersedes != nil {
		made.Supersedes = uuid.UUID(r.Supersedes)
	}
	for _, in := range r.Inputs {
		if len(in) != 16 {
			return made, errors.New("it is not of the expected form")
		}
		made.Inputs = append(made.Inputs, uuid.UUID(in))
	}
	if made.Relation != e.Relation {
		return made, errors.New("the row's relation is not the entry's")
	}
	return made, nil
}

// rows computes a segment's root from its rows and compares it with the payload.
func (d *dataAudit) rows(index int64, e ledger.Entry, payload []byte, holds uint8, raw []byte) (uint8, error) {
	const what = "rows of record"
	var r Rows
	if err := decode(raw, &r); err != nil {
		return 0, d.fault(index, what, "%v", err)
	}
	segment := e.Kind == ledger.SegmentKind && holds == HoldsAll
	switch {
	case r.Holds > HoldsNone || r.Holds == HoldsErased, r.Holds != HoldsAll && r.Rows != nil:
		return 0, d.fault(index, what, "they are not of the expected form")
	case segment == (r.Holds == HoldsNone):
		return 0, d.fault(index, what, "there are rows of a record that has no readings, or none of one that has")
	case r.Holds != HoldsAll:
		return r.Holds, nil
	}
	if err := checkSegment(payload, r.Rows); err != nil {
		return 0, d.fault(index, what, "%v", err)
	}
	return r.Holds, nil
}

func checkSegment(payload []byte, rows [][]byte) error {
	s, err := ledger.ParseSegment(payload)
	if err != nil {
		return fmt.Errorf("the payload is no segment: %w", err)
	}
	if uint64(len(rows)) != s.Count {
		return fmt.Errorf("there are %d rows, the segment has %d", len(rows), s.Count)
	}
	var tree compact
	for i, r := range rows {
		reading, err := ledger.ParseReading(r)
		if err != nil || reading.Device != s.Device || reading.At.Before(s.From) || !reading.At.Before(s.To) {
			return fmt.Errorf("row %d is not one of %s in the segment's window", i, s.Device)
		}
		tree.add(tlog.RecordHash(r), 0, nil)
	}
	if tree.root() != s.Root {
		return errors.New("the rows are not those that the segment was made of")
	}
	return nil
}

// take follows the subjects and notes what was not checked.
func (d *dataAudit) take(b *dataBatch) error {
	for i, e := range b.parsed {
		index := b.first + int64(i)
		last, ok := d.subjects[e.Tag]
		if !ok {
			last.Index = -1
		}
		if e.Seq != last.Seq+1 || e.Prev != last.Index {
			return d.fault(index, "entry", "it is its subject's number %d after entry %d, want number %d after entry %d", e.Seq, e.Prev,
				last.Seq+1, last.Index)
		}
		d.subjects[e.Tag] = subject{e.Seq, index}
		delete(d.late, e.Supersedes)
		d.follow(index, e, i < len(b.holds) && b.holds[i] == HoldsErased)
		if i < len(b.rowHold) && b.rowHold[i] == HoldsLate {
			d.skipped.add(NotLateRows, 1)
			d.late[e.ID] = index
		}
	}
	if b.fault != nil {
		return b.fault
	}
	d.at = b.after
	d.tell(d.at.Index)
	return nil
}

// end refuses what is beyond the newest entry.
func (d *dataAudit) end(r *dataReader) error {
	if _, err := r.records.next(); d.withData && err != io.EOF {
		return d.fault(d.size, "record", "is beyond the newest entry")
	}
	if _, err := r.rows.next(); d.withRows && err != io.EOF {
		return d.fault(d.size, "rows of record", "are beyond the newest entry")
	}
	return nil
}

// narrow looks among the entries of a tree that is not the chain's for the first that does not fit its row, and returns
// its index, or -1.
func (d *dataAudit) narrow(ctx context.Context, from, to int64) int64 {
	d.tell, d.size = func(int64) {}, to
	var found *notRow
	if err := d.run(ctx); errors.As(err, &found) && found.index >= from {
		return found.index
	}
	return -1
}

// notRow is a fault of an entry and its row together: one of them was altered.
type notRow struct {
	*Fault
	index int64
}

func (n *notRow) Unwrap() error { return n.Fault }
