package audit_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth/ledger"
	"plinth/ledger/audit"
)

// dataLog is a log with its data of record.
type dataLog struct {
	*treeLog
	records *bufio.Writer
	seq     map[ledger.Tag]uint64
	last    map[ledger.Tag]int64
}

func newDataLog(t testing.TB) *dataLog {
	l := &dataLog{treeLog: newTreeLog(t), seq: map[ledger.Tag]uint64{}, last: map[ledger.Tag]int64{}}
	l.records = l.file(audit.RecordsFile)
	return l
}

// put adds a record of a subject; alter may change entry and record before they are written.
func (l *dataLog) put(subject, kind string, alter func(*ledger.Entry, *audit.Record)) uuid.UUID {
	id := uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64(nil, uint64(l.size)))
	salt, payload := make([]byte, ledger.SaltSize), fmt.Appendf(nil, `{"n":%d,"of":%q}`, l.size, subject)
	e := ledger.Entry{ID: id, Kind: kind, Org: "databureau", Tag: ledger.SubjectTag([]byte("tenant"), subject), Prev: -1, From: when,
		To: when, Count: 1, Relation: ledger.Generated, Commitment: ledger.Commit(salt, payload)}
	if n, ok := l.last[e.Tag]; ok {
		e.Prev = n
	}
	l.seq[e.Tag]++
	e.Seq, l.last[e.Tag] = l.seq[e.Tag], l.size
	r := audit.Record{ID: id[:], Kind: kind, Org: e.Org, From: when.UnixMilli(), To: when.UnixMilli(), Count: 1,
		Relation: string(e.Relation), Payload: payload, Salt: salt}
	if alter != nil {
		alter(&e, &r)
	}
	entry, entryErr := e.Encode()
	record, recordErr := r.Encode()
	if entryErr != nil || recordErr != nil {
		l.t.Fatal(entryErr, recordErr)
	}
	l.add(entry)
	l.records.Write(audit.Frame(record))
	return id
}

func (l *dataLog) audit(redactions ...string) string {
	l.t.Helper()
	if err := l.flush(); err != nil {
		l.t.Fatal(err)
	}
	if err := l.records.Flush(); err != nil {
		l.t.Fatal(err)
	}
	if err := audit.Data(l.t.Context(), l.dir, l.size, redactions...); err != nil {
		return fault(err)
	}
	return ""
}

func erase(_ *ledger.Entry, r *audit.Record) {
	r.Holds, r.Payload, r.Salt = audit.HoldsErased, nil, nil
}

func TestDataOfRecord(t *testing.T) {
	var redacted string
	for _, tt := range []struct {
		name  string
		write func(l *dataLog)
		want  string
	}{
		{"all is right", func(l *dataLog) {}, ""},
		{"another organisation in the row", func(l *dataLog) {
			l.put("b", "grant.created", func(_ *ledger.Entry, r *audit.Record) { r.Org = "somebody" })
		}, "authz record 4"},
		{"a number left out", func(l *dataLog) {
			l.put("a", "grant.created", func(e *ledger.Entry, _ *audit.Record) { e.Seq++ })
		}, "authz entry 4"},
		{"an entry before named that is another subject's", func(l *dataLog) {
			l.put("a", "grant.created", func(e *ledger.Entry, _ *audit.Record) { e.Prev = 0 })
		}, "authz entry 4"},
		{"an erasure that nothing tells of", func(l *dataLog) { l.put("b", "grant.created", erase) }, "authz record 4"},
		{"an erasure that the log tells of later", func(l *dataLog) {
			l.put("b", "grant.created", erase)
			l.put("b", "subject.erased", nil)
		}, ""},
		{"an erasure of another subject", func(l *dataLog) {
			l.put("b", "grant.created", erase)
			l.put("c", "subject.erased", nil)
		}, "authz record 4"},
		{"an erasure told of before the record", func(l *dataLog) {
			l.put("b", "subject.erased", nil)
			l.put("b", "grant.created", erase)
		}, "authz record 5"},
		{"an erasure that the chain knows", func(l *dataLog) {
			id := l.put("b", "grant.created", erase)
			redacted = "red/" + hex.EncodeToString(id[:])
		}, ""},
		{"erased, with the salt still there", func(l *dataLog) {
			l.put("b", "grant.created", func(_ *ledger.Entry, r *audit.Record) { r.Holds, r.Payload = audit.HoldsErased, nil })
		}, "authz record 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newDataLog(t)
			redacted = "red/none"
			for range 2 {
				l.put("a", "grant.created", nil)
				l.put("b", "grant.used", nil)
			}
			tt.write(l)
			if got := l.audit(redacted); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// BenchmarkAudit10M audits the tree of ten million entries, and the data of record of one million.
func BenchmarkAudit10M(b *testing.B) {
	tree := newTreeLog(b)
	p := tree.grow(10_000_000).point()
	const records = 1_000_000
	data := newDataLog(b)
	for i := range records {
		data.put(fmt.Sprintf("device:d_%d", i%1000), "device.segment", nil)
	}
	data.audit()
	var treeTook, dataTook time.Duration
	for b.Loop() {
		began := time.Now()
		if err := audit.Tree(b.Context(), tree.dir, p); err != nil {
			b.Fatal(err)
		}
		treeTook += time.Since(began)
		began = time.Now()
		if err := audit.Data(b.Context(), data.dir, records); err != nil {
			b.Fatal(err)
		}
		dataTook += time.Since(began)
	}
	b.ReportMetric(treeTook.Seconds()/float64(b.N), "tree-s")
	b.ReportMetric(float64(dataTook.Microseconds())/float64(b.N)/records, "data-us/record")
}
