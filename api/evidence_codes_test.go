package api_test

import (
	"strings"
	"testing"
	"time"

	"plinth/ledger"
)

func TestStrangerVerifiesAReceiptByItsShortCode(t *testing.T) {
	a := openArchive(t)
	id := a.write(t, 1)[0]
	a.awaitAnchored(t, id)
	trust, err := ledger.ParseTrust([]byte(a.get(t, "", 200, "/v1/evidence/roots")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	p.At = time.Now()
	code := ledger.ShortCode(id)
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", "")} {
		file := a.get(t, "", 200, "/v1/evidence/codes/"+typed)
		v, err := ledger.Verify([]byte(file), p)
		if err != nil || v.Word != ledger.Proven || v.Entry.ID != id {
			t.Errorf("%s: got %s, %v", typed, v.Word, err)
		}
		if strings.Contains(file, "王小明") {
			t.Error("the payload is disclosed")
		}
	}
	a.get(t, "", 404, "/v1/evidence/codes/0000-0000-0000-0000")
	for _, bad := range []string{"x", "0000-0000-0000-000U", strings.Repeat("0", 17), strings.Repeat("0", 100), "%00"} {
		a.get(t, "", 400, "/v1/evidence/codes/"+bad)
	}
	for range 60 {
		if r := a.call(t, "", "GET", "/v1/evidence/codes/0000-0000-0000-0000", ""); r.status == 429 {
			if r.Code != "exhausted" {
				t.Errorf("refused with %q", r.Code)
			}
			return
		}
	}
	t.Error("one address may ask without end")
}
