package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"plinth/ledger"
)

// TestErasedRecordSaysSoAndIsStillProven erases a subject as an operator: its record names the erasure, its payload is
// not given any more, and its receipt by reference verifies with nothing but the public roots.
func TestErasedRecordSaysSoAndIsStillProven(t *testing.T) {
	a := openArchive(t)
	ids := a.write(t, 2)
	a.awaitAnchored(t, ids[1])
	erase := `{"subject":"grant:g_0","reason":"asked for by the person"}`
	for _, who := range []string{"auditor", "department"} {
		if r := a.call(t, who, "POST", "/v1/evidence/subjects:erase", erase); r.status != 403 {
			t.Errorf("as %s: got %d", who, r.status)
		}
	}
	if r := a.call(t, "operator", "POST", "/v1/evidence/subjects:erase", `{"subject":"grant:g_0","reason":" "}`); r.status != 400 {
		t.Errorf("without a reason: got %d", r.status)
	}
	r := a.call(t, "operator", "POST", "/v1/evidence/subjects:erase", erase)
	var told struct{ RecordID string }
	if err := json.Unmarshal([]byte(r.body), &told); err != nil || r.status != 200 {
		t.Fatalf("got %d: %s, %v", r.status, r.body, err)
	}
	erased := `"erasedBy":"` + told.RecordID + `"`
	if body := a.get(t, "auditor", 200, "/v1/evidence/records/"+ids[0].String()); !strings.Contains(body, erased) {
		t.Errorf("the record does not say %s: %s", erased, body)
	}
	if body := a.get(t, "auditor", 200, "/v1/evidence/records?subject=grant:g_1"); !strings.Contains(body, `"erasedBy":""`) {
		t.Errorf("another subject's record: %s", body)
	}
	a.get(t, "auditor", 404, "/v1/evidence/records/"+ids[0].String()+"/receipt?disclose=payload")

	trust, err := ledger.ParseTrust([]byte(a.get(t, "", 200, "/v1/evidence/roots")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	p.At = time.Now()
	file := a.get(t, "auditor", 200, "/v1/evidence/records/"+ids[0].String()+"/receipt?form=reference")
	if v, err := ledger.Verify([]byte(file), p); err != nil || v.Word != ledger.Proven {
		t.Errorf("by reference: got %s, %v", v.Word, err)
	}
	p.Certificates = nil
	if _, err := ledger.Verify([]byte(file), p); err == nil {
		t.Error("a receipt by reference verifies without the certificates that it refers to")
	}
}
