package sequencer_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/internal/postgres"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// about commits a record about a subject.
func (h *house) about(subject, payload string) uuid.UUID {
	h.t.Helper()
	return h.record(ledger.Record{Kind: "answer.given", Subject: subject, Payload: []byte(payload)}).ID
}

// proven takes a record's receipt and checks it.
func (h *house) proven(s *sequencer.Sequencer, id uuid.UUID, d sequencer.Disclosure, want ledger.Word) ledger.Verdict {
	h.t.Helper()
	file, err := s.Receipt(h.t.Context(), id, d)
	if err != nil {
		h.t.Fatal(err)
	}
	p := h.trust()
	p.LogKeys = s.LogKeys()
	v, err := ledger.Verify(file, p)
	if err != nil || v.Word != want {
		h.t.Fatalf("record %s: %s, %v; want %s", id, v.Word, err, want)
	}
	return v
}

func TestErasedSubjectIsGoneAndAllProofsStay(t *testing.T) {
	h := newHouse(t)
	const secret = "电话 13800001234"
	gone := []uuid.UUID{h.about("account:a", secret), h.about("account:a", "yes")}
	kept := h.about("account:b", "no")
	s, _ := h.run()
	h.wait("anchored", append(gone, kept)...)
	before := h.proven(s, gone[0], sequencer.DisclosePayload, ledger.ProvenWithData)

	erasure, err := s.Erase(t.Context(), sequencer.Erasure{Subject: "account:a", Reason: "个人要求", By: "ac_operator"})
	if err != nil {
		t.Fatal(err)
	}
	h.wait("anchored", erasure)
	for _, id := range gone {
		h.proven(s, id, sequencer.DiscloseNothing, ledger.Proven)
		for _, d := range []sequencer.Disclosure{sequencer.DiscloseSalt, sequencer.DisclosePayload} {
			if _, err := s.Receipt(t.Context(), id, d); !errors.Is(err, plinth.ErrNotFound) {
				t.Errorf("record %s, disclosure %d: got %v, want ErrNotFound", id, d, err)
			}
		}
		h.until(func() bool { return h.chain.Note(ledger.RedactionKey(id)) == erasure.String()+"\n" })
	}
	h.proven(s, kept, sequencer.DisclosePayload, ledger.ProvenWithData)
	e := h.proven(s, erasure, sequencer.DisclosePayload, ledger.ProvenWithData).Entry
	if e.Kind != "subject.erased" || e.Relation != ledger.Invalidated || len(e.Inputs) != 2 || e.Tag != before.Entry.Tag {
		t.Errorf("the erasure's entry is %+v", e)
	}
	h.searchForAll(secret, gone[0], before.Entry.Commitment)

	later := h.about("account:a", "again")
	h.wait("anchored", later)
	if v := h.proven(s, later, sequencer.DisclosePayload, ledger.ProvenWithData); v.Entry.Seq != 4 {
		t.Errorf("what came after the erasure has number %d, want 4", v.Entry.Seq)
	}
	if _, err := s.Erase(t.Context(), sequencer.Erasure{Subject: "account:nobody", Reason: "r"}); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("nothing to erase: got %v, want ErrNotFound", err)
	}
	if _, err := s.Erase(t.Context(), sequencer.Erasure{Subject: "account:a"}); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("without a reason: got %v, want ErrInvalid", err)
	}
}

// searchForAll takes the place of who has the whole database and the folders of keys: neither the text nor any key
// from which a salt could be derived that opens the commitment is there.
func (h *house) searchForAll(text string, record uuid.UUID, c ledger.Commitment) {
	h.t.Helper()
	dump := h.dump()
	if strings.Contains(dump, text) || strings.Contains(dump, hex.EncodeToString([]byte(text))) {
		h.t.Error("the text is in the database")
	}
	var keys [][]byte
	for _, dir := range []string{filepath.Dir(h.master), filepath.Join(h.dir, "keys")} {
		files, err := filepath.Glob(filepath.Join(dir, "*.key"))
		if err != nil || len(files) == 0 {
			h.t.Fatalf("no keys in %s: %v", dir, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				h.t.Fatal(err)
			}
			if key, err := hex.DecodeString(strings.TrimSpace(string(b))); err == nil {
				keys = append(keys, key)
			}
		}
	}
	unwrapped := h.unwrapAll(keys)
	if len(unwrapped) < 2 { // account:b's, and the erasure's own
		h.t.Fatalf("the search found %d keys of subjects, so it proves nothing", len(unwrapped))
	}
	for _, key := range append(keys, unwrapped...) {
		derived, err := ledger.SubjectKey(key, "account:a")
		if err != nil {
			h.t.Fatal(err)
		}
		for _, k := range [][]byte{key, derived} {
			salt, err := ledger.Salt(k, record)
			if err != nil {
				h.t.Fatal(err)
			}
			if c.Opens(salt, []byte(text)) == nil || c.Opens(k, []byte(text)) == nil {
				h.t.Error("a key that is left opens the commitment")
			}
		}
	}
}

// unwrapAll opens every wrapped key in the database with every key.
func (h *house) unwrapAll(keys [][]byte) (out [][]byte) {
	h.t.Helper()
	rows, err := h.db.Query(h.t.Context(), `SELECT subject, epoch, key FROM subject_key WHERE key IS NOT NULL`)
	if err != nil {
		h.t.Fatal(err)
	}
	var subject string
	var epoch int
	var wrapped []byte
	if _, err := pgx.ForEachRow(rows, []any{&subject, &epoch, &wrapped}, func() error {
		for _, key := range keys {
			block, err := aes.NewCipher(key)
			if err != nil {
				return err
			}
			a, err := cipher.NewGCM(block)
			if err != nil {
				return err
			}
			if k, err := a.Open(nil, wrapped[:12], wrapped[12:], fmt.Appendf(nil, "%d\x00%s", epoch, subject)); err == nil {
				out = append(out, k)
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// dump is every row of every table as text, byte strings in hex.
func (h *house) dump() string {
	h.t.Helper()
	rows, err := h.db.Query(h.t.Context(), `SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
	if err != nil {
		h.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		rows, err := h.db.Query(h.t.Context(), `SELECT to_json(t)::text FROM `+table+` t`)
		if err != nil {
			h.t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			h.t.Fatal(err)
		}
		all.WriteString(strings.Join(lines, "\n"))
	}
	return all.String()
}

// TestErasedDeviceStillHasItsFile erases a device between two of its segments.
func TestErasedDeviceStillHasItsFile(t *testing.T) {
	h := newHouse(t)
	r := rows{}
	h.device("wq-7")
	s, _ := h.run()
	devices := sequencer.Devices{Logs: s, Store: postgres.NewLedger(h.db), Rows: r}
	h.wait("anchored", h.cover(r, "wq-7", 0, 3))
	if _, err := s.Erase(t.Context(), sequencer.Erasure{Subject: "device:wq-7", Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	ask := sequencer.DeviceAsk{Device: "wq-7", From: at(0), To: at(2)}
	verify := func() (ledger.DeviceVerdict, error) {
		t.Helper()
		file, err := devices.File(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		return ledger.VerifyDevice(file, h.trust(), "wq-7", ask.From, ask.To)
	}
	if v, err := verify(); err == nil || v.Word != ledger.CannotEvaluate {
		t.Errorf("when all is shredded the file tells no device: got %s, %v", v.Word, err)
	}
	h.wait("anchored", h.cover(r, "wq-7", 1, 4))
	v, err := verify()
	if err != nil || v.Word != ledger.Proven || v.First != 1 || v.Last != 2 || len(v.Windows) != 2 || len(v.Gaps) != 0 {
		t.Fatalf("got %s, %v: %+v", v.Word, err, v)
	}
	if !v.Windows[0].Withheld || v.Windows[0].Count != 3 || v.Windows[1].Withheld || !slices.Contains(v.NotChecked, ledger.NotWithheld) {
		t.Errorf("windows %+v, not checked %v", v.Windows, v.NotChecked)
	}
	ask.Metric, ask.At = "ph", at(0)
	if _, err := devices.File(t.Context(), ask); !errors.Is(err, plinth.ErrNotFound) || !strings.Contains(err.Error(), "shredded") {
		t.Errorf("a reading of a shredded segment: got %v, want ErrNotFound", err)
	}
}

func TestNoPayloadLiesInClear(t *testing.T) {
	h := newHouse(t)
	const secret = "13800001234"
	h.about("account:a", secret)
	if dump := h.dump(); strings.Contains(dump, hex.EncodeToString([]byte(secret))) || strings.Contains(dump, secret) {
		t.Error("a payload lies in the database in clear")
	}
}

func TestErasureWaitsForRecordsOnTheirWay(t *testing.T) {
	h := newHouse(t)
	h.about("account:a", "yes")
	store := postgres.NewLedger(h.db)
	if _, err := store.Erase(t.Context(), sequencer.Erasure{Subject: "account:a", Reason: "r", Org: "plinth"}, when); !errors.Is(err, sequencer.ErrErasureWaits) {
		t.Errorf("got %v, want ErrErasureWaits", err)
	}
}

// TestRecordsFromBeforeKeysAreStillProven writes without a vault, as the service did, and goes on with one.
func TestRecordsFromBeforeKeysAreStillProven(t *testing.T) {
	h := newHouse(t)
	kept := h.db
	h.db = &postgres.DB{Pool: kept.Pool}
	old := h.about("account:a", "yes")
	h.db = kept
	s, _ := h.run()
	later := h.about("account:a", "no")
	h.wait("anchored", old, later)
	h.proven(s, old, sequencer.DisclosePayload, ledger.ProvenWithData)
	h.proven(s, later, sequencer.DisclosePayload, ledger.ProvenWithData)
	if _, err := s.Erase(t.Context(), sequencer.Erasure{Subject: "account:a", Reason: "r"}); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("what cannot be shredded: got %v, want ErrInvalid", err)
	}
}

// TestLowEntropyPayloadCannotBeGuessedFromPublicData tries all payloads of a small space against everything that is
// public: with no key, and with every public string as the key. With the salt the same guess succeeds.
func TestLowEntropyPayloadCannotBeGuessedFromPublicData(t *testing.T) {
	h := newHouse(t)
	guesses := [][]byte{[]byte("yes"), []byte("no"), []byte(`{"answer":"yes"}`), []byte(`{"answer":"no"}`)}
	for i := range 2000 {
		guesses = append(guesses, fmt.Appendf(nil, "1380000%04d", i))
	}
	targets := []uuid.UUID{h.about("account:a", "yes"), h.about("account:a", "13800001234"),
		h.about("account:a", `{"answer":"no"}`)}
	s, _ := h.run()
	h.wait("anchored", append(targets, h.write(5)...)...)
	h.until(func() bool { return s.Status()[0].AnchorErr == nil })
	var public [][]byte
	l, err := s.Log(ledger.Authz)
	if err != nil {
		t.Fatal(err)
	}
	c, note := l.Checkpoint()
	tile, err := l.Tile(0, 0, int(c.Size))
	if err != nil {
		t.Fatal(err)
	}
	public = append(public, note, tile, c.Root[:], []byte(l.Origin()), []byte("account:a"))
	for i := range len(tile) / 32 {
		public = append(public, tile[32*i:32*(i+1)])
	}
	for _, key := range s.LogKeys() {
		public = append(public, []byte(key))
	}
	var hidden []ledger.Entry
	for _, id := range targets {
		file, err := s.Receipt(t.Context(), id, sequencer.DiscloseNothing)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ledger.ParseReceipt(file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.ParseEntry(r.Entry)
		if err != nil {
			t.Fatal(err)
		}
		hidden = append(hidden, e)
		public = append(public, r.Entry, file, r.Attestation.Payload, e.ID[:], e.Tag[:], e.Commitment[:], []byte(e.ID.String()))
	}
	for _, e := range hidden {
		for _, g := range guesses {
			if sum := sha256.Sum256(g); bytes.Equal(sum[:], e.Commitment[:]) {
				t.Fatal("the commitment is the payload's plain hash")
			}
			for _, key := range public {
				m := hmac.New(sha256.New, key)
				m.Write(g)
				salt, err := ledger.Salt(key, e.ID)
				if err != nil {
					t.Fatal(err)
				}
				if hmac.Equal(m.Sum(nil), e.Commitment[:]) || e.Commitment.Opens(salt, g) == nil {
					t.Fatalf("%q was guessed from public data", g)
				}
			}
		}
	}
	for i, id := range targets {
		file, err := s.Receipt(t.Context(), id, sequencer.DisclosePayload)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ledger.ParseReceipt(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, g := range guesses {
			if hidden[i].Commitment.Opens(r.Salt, g) == nil {
				found++
			}
		}
		if found != 1 {
			t.Errorf("with the salt %d guesses fit, so the attempt above proves nothing", found)
		}
	}
}

func TestOneFieldIsShownAndTheOthersWithheld(t *testing.T) {
	h := newHouse(t)
	id := h.about("request:rq_1", `{"Purpose":"statistics","Reason":"涉及个人的理由","Columns":["at","street"]}`)
	s, _ := h.run()
	h.wait("anchored", id)
	file, err := s.ReceiptAs(t.Context(), id, sequencer.Wanted{Fields: []string{"Purpose"}})
	if err != nil {
		t.Fatal(err)
	}
	p := h.trust()
	p.LogKeys = s.LogKeys()
	v, err := ledger.Verify(file, p)
	if err != nil || len(v.Fields) != 1 || v.Fields[0].Name != "Purpose" || string(v.Fields[0].Value) != `"statistics"` {
		t.Fatalf("%v shown, %s, %v", v.Fields, v.Word, err)
	}
	if bytes.Contains(file, []byte("理由")) || bytes.Contains(file, []byte("Reason")) {
		t.Error("the receipt tells of a withheld field")
	}
	h.proven(s, id, sequencer.DisclosePayload, ledger.ProvenWithData)
	if _, err := s.ReceiptAs(t.Context(), id, sequencer.Wanted{Fields: []string{"Secret"}}); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("a field that is not there: got %v, want ErrInvalid", err)
	}
}
