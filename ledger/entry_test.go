package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/ledger"
)

func TestEntryReadsBackAsItWas(t *testing.T) {
	first := entry(0)
	later := entry(41)
	later.Supersedes, later.Inputs = uuid.NameSpaceURL, nil
	later.Case = ledger.Tag{1}
	for _, want := range []ledger.Entry{first, later} {
		b, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ledger.ParseEntry(b)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
}

func TestEveryValidRecordFitsItsEntry(t *testing.T) {
	e := ledger.Entry{
		ID: uuid.Max, Kind: "a." + strings.Repeat("k", ledger.MaxKind-2), Org: strings.Repeat("o", ledger.MaxOrg),
		Tag: ledger.Tag(bytes.Repeat([]byte{0xff}, 16)), Seq: 1<<32 - 1, Prev: 1<<63 - 1,
		From: time.UnixMilli(253402300799999), To: time.UnixMilli(253402300799999), Count: 1<<32 - 1,
		Relation: ledger.Invalidated, Supersedes: uuid.Max,
		Case: ledger.Tag(bytes.Repeat([]byte{0xff}, 16)),
	}
	for n := range 5 {
		e.Inputs = make([]uuid.UUID, n*n*n)
		b, err := e.Encode()
		if err != nil || len(b) > ledger.MaxEntry {
			t.Fatalf("with %d inputs: %d bytes, %v", len(e.Inputs), len(b), err)
		}
		got, err := ledger.ParseEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		if n > 1 && got.InputsRoot != ledger.InputsRoot(e.Inputs) {
			t.Errorf("%d inputs: the root is %v", len(e.Inputs), got.InputsRoot)
		}
	}
}

func TestInputsRootIsTheTreeOfRFC6962(t *testing.T) {
	for n := 1; n < 40; n++ {
		var ids []uuid.UUID
		var m memory
		for i := range n {
			id := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, i))
			hs, err := tlog.StoredHashes(int64(i), id[:], m)
			if err != nil {
				t.Fatal(err)
			}
			ids, m = append(ids, id), append(m, hs...)
		}
		want, err := tlog.TreeHash(int64(n), m)
		if err != nil || ledger.InputsRoot(ids) != want {
			t.Fatalf("%d ids: got another root, %v", n, err)
		}
	}
}

func TestEntryInAnotherFormIsRefused(t *testing.T) {
	good, err := entry(3).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var fields map[int]any
	if err := cbor.Unmarshal(good, &fields); err != nil {
		t.Fatal(err)
	}
	bend := func(change func(map[int]any)) []byte {
		m := map[int]any{}
		for k, v := range fields {
			m[k] = v
		}
		change(m)
		enc, _ := cbor.CoreDetEncOptions().EncMode()
		b, err := enc.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := ledger.ParseEntry(bend(func(map[int]any) {})); err != nil {
		t.Fatalf("unbent: %v", err)
	}
	duplicate := append([]byte{good[0] + 1}, good[1:]...)
	duplicate = append(duplicate, 0x0d, 0x01)
	long := append([]byte{0xb8, good[0] & 0x1f}, good[1:]...) // the map's length in two bytes
	for name, b := range map[string][]byte{
		"empty": {}, "trailing byte": append(bytes.Clone(good), 0), "cut": good[:len(good)-1],
		"duplicate key": duplicate, "long form": long, "too long": make([]byte, 300),
		"unknown key":     bend(func(m map[int]any) { m[17] = 1 }),
		"version":         bend(func(m map[int]any) { m[1] = 2 }),
		"kind":            bend(func(m map[int]any) { m[2] = "Grant" }),
		"zero id":         bend(func(m map[int]any) { m[3] = make([]byte, 16) }),
		"org":             bend(func(m map[int]any) { m[4] = "a b" }),
		"tag":             bend(func(m map[int]any) { m[5] = make([]byte, 32) }),
		"seq zero":        bend(func(m map[int]any) { m[6] = 0 }),
		"first with prev": bend(func(m map[int]any) { m[6] = 1 }),
		"later without":   bend(func(m map[int]any) { delete(m, 7) }),
		"negative prev":   bend(func(m map[int]any) { m[7] = -1 }),
		"time":            bend(func(m map[int]any) { m[9] = 0 }),
		"count":           bend(func(m map[int]any) { m[10] = 0 }),
		"commitment":      bend(func(m map[int]any) { m[11] = []byte{1} }),
		"relation":        bend(func(m map[int]any) { m[13] = 9 }),
		"inputs twice":    bend(func(m map[int]any) { m[16] = make([]byte, 32) }),
		"float":           bend(func(m map[int]any) { m[10] = 1.5 }),
		"short case":      bend(func(m map[int]any) { m[17] = make([]byte, 15) }),
		"zero case":       bend(func(m map[int]any) { m[17] = make([]byte, 16) }),
		"null":            bend(func(m map[int]any) { m[15] = nil }),
	} {
		if _, err := ledger.ParseEntry(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUnfitRecordNamesTheField(t *testing.T) {
	good := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "grant.created", Org: "databureau",
		Subject: "grant:g_1", From: when, To: when, Count: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, bend := range map[string]func(*ledger.Record){
		"id":       func(r *ledger.Record) { r.ID = uuid.Nil },
		"origin":   func(r *ledger.Record) { r.Origin = "x" },
		"kind":     func(r *ledger.Record) { r.Kind = "grant" },
		"org":      func(r *ledger.Record) { r.Org = strings.Repeat("o", 31) },
		"subject":  func(r *ledger.Record) { r.Subject = "a\x00" },
		"case":     func(r *ledger.Record) { r.Case = strings.Repeat("c", ledger.MaxCase+1) },
		"from":     func(r *ledger.Record) { r.To = when.Add(-time.Second) },
		"count":    func(r *ledger.Record) { r.Count = 0 },
		"payload":  func(r *ledger.Record) { r.Payload = make([]byte, ledger.MaxPayload+1) },
		"relation": func(r *ledger.Record) { r.Relation = "made" },
		"inputs":   func(r *ledger.Record) { r.Inputs = make([]uuid.UUID, 1025) },
	} {
		r := good
		bend(&r)
		var e *plinth.Error
		if err := r.Validate(); !errors.As(err, &e) || e.Kind != plinth.ErrInvalid || e.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
