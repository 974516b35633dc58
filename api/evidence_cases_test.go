package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth/ledger"
)

// TestDepartmentProvesItsCaseFromARealNetwork writes a case from request to revocation, one use too late among it, and
// checks its file with nothing but the roots.
func TestDepartmentProvesItsCaseFromARealNetwork(t *testing.T) {
	a := openArchive(t)
	in := "request:rq_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	kinds := []string{"request.created", "request.approved", "grant.created", "decision.permit", "grant.revoked", "decision.permit"}
	for _, kind := range kinds {
		r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: kind, Org: "civil", Subject: in, Case: in,
			From: time.Now(), To: time.Now(), Count: 1, Payload: []byte(`{}`), Relation: ledger.Generated}
		if err := a.db.InTx(t.Context(), func(tx pgx.Tx) error { return a.db.AppendRecord(t.Context(), tx, r) }); err != nil {
			t.Fatal(err)
		}
	}
	trust, err := ledger.ParseTrust([]byte(a.get(t, "", 200, "/v1/evidence/roots")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	p.At = time.Now()
	var v ledger.CaseVerdict
	for deadline := time.Now().Add(90 * time.Second); len(v.Steps) < 5 || len(v.Refused) < 1; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the file has %d steps and %d refused", len(v.Steps), len(v.Refused))
		}
		r := a.call(t, "civil", "GET", "/v1/evidence/cases/"+in+"/file", "")
		if r.status == 404 || r.status == 409 {
			continue // not on the chain, or not anchored yet
		}
		if v, err = ledger.VerifyCase([]byte(r.body), p); err != nil {
			t.Fatalf("status %d: %s, %v", r.status, v.Word, err)
		}
	}
	if v.Attested.State != "revoked" || v.AsOf.Block == 0 || v.Refused[0].Entry.Kind != "decision.permit" {
		t.Errorf("the verdict is %+v", v)
	}
	for i, s := range v.Steps {
		if s.Entry.Kind != kinds[i] {
			t.Errorf("step %d is %s", i+1, s.Entry.Kind)
		}
	}
	file := "/v1/evidence/cases/" + in + "/file"
	a.get(t, "auditor", 200, file)
	known, unknown := a.get(t, "department", 404, file), a.get(t, "department", 404, "/v1/evidence/cases/request:rq_nobody/file")
	known, _, _ = strings.Cut(strings.ReplaceAll(known, in, "request:rq_nobody"), `"requestId"`)
	if !strings.HasPrefix(unknown, known) || known == "" {
		t.Errorf("strangers are told more of a case that exists:\n%s\n%s", known, unknown)
	}
	a.get(t, "", 401, file)
	a.get(t, "auditor", 404, "/v1/evidence/cases/request:rq_nobody/file")
	a.get(t, "auditor", 400, "/v1/evidence/cases/nocase/file")
}
