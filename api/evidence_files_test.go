package api_test

import (
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth/ledger"
)

// trusted is the policy of who asks the house for its roots.
func (a *archive) trusted(t *testing.T) ledger.Policy {
	t.Helper()
	trust, err := ledger.ParseTrust([]byte(a.get(t, "", 200, "/v1/evidence/roots")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	p.At = time.Now()
	return p
}

// refused wants a refusal that names the field.
func (a *archive) refused(t *testing.T, who, method, path, body, field string) {
	t.Helper()
	r := a.call(t, who, method, path, body)
	if r.status != 400 || !strings.Contains(r.body, `"field":"`+field+`"`) {
		t.Errorf("%s %s %s: got %d %s, want 400 and the field %q", method, path, body, r.status, r.body, field)
	}
}

func TestEveryFormOfAReceiptIsProven(t *testing.T) {
	a := openArchive(t)
	ids := a.write(t, 3)
	for _, id := range ids {
		a.awaitAnchored(t, id)
	}
	p := a.trusted(t)
	receipt := "/v1/evidence/records/" + ids[1].String() + "/receipt"

	// Certificates apart; the roots' file brings them too.
	p.Certificates = nil
	file := []byte(a.get(t, "department", 200, receipt+"?form=reference"))
	if v, err := ledger.Verify(file, p); err == nil {
		t.Errorf("by reference without certificates: %s", v.Word)
	}
	for rest := []byte(a.get(t, "", 200, "/v1/evidence/certificates")); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		p.Certificates = append(p.Certificates, b.Bytes)
	}
	if v, err := ledger.Verify(file, p); err != nil || v.Word != ledger.Proven || v.Entry.ID != ids[1] {
		t.Errorf("by reference: %s, %v", v.Word, err)
	}

	// COSE.
	r, err := ledger.ParseReceipt([]byte(a.get(t, "department", 200, receipt)))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := ledger.VerifyCOSE([]byte(a.get(t, "department", 200, receipt+"?form=cose")), r.Entry, p); err != nil || v.Word != ledger.Proven {
		t.Errorf("COSE: %s, %v", v.Word, err)
	}

	// Some fields are opened, for auditors alone.
	file = []byte(a.get(t, "auditor", 200, receipt+"?field=secret"))
	if v, err := ledger.Verify(file, p); err != nil || len(v.Fields) != 1 || string(v.Fields[0].Value) != `"王小明"` {
		t.Errorf("fields: %+v, %v", v.Fields, err)
	}
	a.get(t, "department", 403, receipt+"?field=secret")
	a.get(t, "", 401, receipt+"?form=cose")
	for query, field := range map[string]string{"form=pdf": "form", "disclose=all": "disclose", "field=none": "field",
		"field=secret&disclose=payload": "field"} {
		a.refused(t, "auditor", "GET", receipt+"?"+query, "", field)
	}
}

func TestBatchIsForEverybody(t *testing.T) {
	a := openArchive(t)
	ids := a.write(t, 3)
	for _, id := range ids {
		a.awaitAnchored(t, id)
	}
	v, err := ledger.VerifyBatch([]byte(a.get(t, "", 200, "/v1/evidence/batches/authz/0")), a.trusted(t))
	if err != nil || v.Word != ledger.Proven {
		t.Errorf("got %s, %v", v.Word, err)
	}
	for _, tile := range []string{"x", "-1", "1.5", "99999999999999999999"} {
		a.refused(t, "", "GET", "/v1/evidence/batches/authz/"+tile, "", "tile")
	}
	a.get(t, "", 404, "/v1/evidence/batches/authz/7")
	a.get(t, "", 404, "/v1/evidence/batches/other/0")
}

func TestErasureIsForOperatorsWithAReason(t *testing.T) {
	a := openArchive(t)
	const erase = "/v1/evidence/subjects:erase"
	good := `{"subject": "account:` + uuid.NewString() + `", "reason": "r"}`
	for who, status := range map[string]int{"": 401, "auditor": 403, "department": 403, "civil": 403, "operator": 404} {
		if r := a.call(t, who, "POST", erase, good); r.status != status {
			t.Errorf("as %q: got %d %s, want %d", who, r.status, r.body, status)
		}
	}
	long := strings.Repeat("x", 2001)
	for body, field := range map[string]string{
		``: "body", `[]`: "body", `{"subject": 1}`: "body", `{"subject": "account:a", "reason": "r", "all": true}`: "body",
		`{"reason": "r"}`: "subject", `{"subject": "` + long + `", "reason": "r"}`: "subject",
		`{"subject": "account:a"}`: "reason", `{"subject": "account:a", "reason": " "}`: "reason",
		`{"subject": "account:a", "reason": "` + long + `"}`: "reason",
	} {
		a.refused(t, "operator", "POST", erase, body, field)
	}
	if r := a.call(t, "operator", "GET", erase, ""); r.status < 400 {
		t.Errorf("GET: %d %s", r.status, r.body)
	}
}
