package ledger_test

import (
	"bytes"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

func FuzzParseReceipt(f *testing.F) {
	f.Add(read(f, "proven-with-data.tlog-proof"))
	f.Add(read(f, "twin/proven.tlog-proof"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\nx\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ledger.ParseReceipt(b)
		if err != nil {
			return
		}
		if again, err := r.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("a receipt has two forms: %v", err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	good, p := read(f, "proven.tlog-proof"), vectorPolicy(f)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ledger.Verify(b, p); err == nil && !bytes.Equal(b, good) {
			t.Error("a receipt that nobody made is proven")
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	good, _ := entry(3).Encode()
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ledger.ParseEntry(b)
		if err != nil {
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("an entry has two forms: %v\n%x\n%x", err, b, again)
		}
	})
}

func FuzzParseAttestation(f *testing.F) {
	r, err := ledger.ParseReceipt(read(f, "proven.tlog-proof"))
	if err != nil {
		f.Fatal(err)
	}
	good, err := r.Attestation.Encode()
	if err != nil {
		f.Fatal(err)
	}
	p := vectorPolicy(f)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ledger.ParseAttestation(b)
		if err != nil {
			return
		}
		if again, err := a.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("an attestation has two forms: %v", err)
		}
		_, _ = ledger.VerifyAttestation(a, ledger.Checkpoint{}, p)
	})
}

// FuzzAttestedAnswer has both organisations sign whatever it is: the content alone must give it away.
func FuzzAttestedAnswer(f *testing.F) {
	orgs := []*ledgertest.Org{ledgertest.NewOrg("BureauMSP", "peer"), ledgertest.NewOrg("OverseerMSP", "peer")}
	p := ledgertest.Policy(orgs...)
	value := ledger.AttestedCheckpoint{Channel: ledger.DefaultChannel, Origin: origin, Size: 5, TxID: "4f"}
	good := ledgertest.AnswerFor(value, 27).Payload()
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		a := ledger.Attestation{Payload: b, Endorsements: []ledger.Endorsement{orgs[0].Endorse(b), orgs[1].Endorse(b)}}
		_, err := ledger.VerifyAttestation(a, value.Checkpoint(), p)
		if bytes.Equal(b, good) && err != nil {
			t.Error(err)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	r, err := ledger.ParseReceipt(read(f, "proven.tlog-proof"))
	if err != nil {
		f.Fatal(err)
	}
	key, err := note.NewVerifier(vectorPolicy(f).LogKeys[0])
	if err != nil {
		f.Fatal(err)
	}
	good := r.Checkpoint
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ledger.OpenCheckpoint(b, key); err == nil && !bytes.Equal(b, good) {
			t.Error("a checkpoint that nobody signed is accepted")
		}
	})
}

func FuzzParseAttestedCheckpoint(f *testing.F) {
	f.Add(newFixture(f, 5).answer().Value)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ledger.ParseAttestedCheckpoint(s); err == nil && c.String() != s {
			t.Errorf("a value has two forms: %q", s)
		}
	})
}
