package ledger_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plinth/ledger"
)

const grant = `{"id":"g_1", "purpose":"traffic study","columns":["street","hour"], "reason":"内部材料"}`

func document(t testing.TB, text string) ledger.Document {
	t.Helper()
	d, err := ledger.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func documentCommit(t testing.TB, text string) ledger.Commitment {
	t.Helper()
	c, err := ledger.DocumentCommit(salt, document(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOpenedFieldsHoldAndOthersAreWithheld(t *testing.T) {
	c, d := documentCommit(t, grant), document(t, grant)
	o, err := d.OpenFields(salt, "purpose", "columns")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.VerifyFields(c, o)
	want := []ledger.Field{{Name: "columns", Value: []byte(`["street","hour"]`)}, {Name: "purpose", Value: []byte(`"traffic study"`)}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, f := range o.Fields {
		if bytes.Contains(f.Disclosure, []byte("内部材料")) || bytes.Contains(f.Disclosure, salt) {
			t.Error("an opening tells what is withheld")
		}
	}
	if err := c.Opens(salt, []byte(grant)); err != nil {
		t.Errorf("the whole payload with its salt: %v", err)
	}
	if err := c.Opens(salt, []byte(strings.Replace(grant, "hour", "time", 1))); err == nil {
		t.Error("another payload opens it")
	}
}

// TestOpeningsDoNotTellHowManyFieldsThereAre compares two grants of which one has far more and longer fields.
func TestOpeningsDoNotTellHowManyFieldsThereAre(t *testing.T) {
	short, long := `{"id":"g_1"}`, `{"id":"g_1"`
	for i := range 14 {
		long += fmt.Sprintf(`,"secret%d":%q`, i, strings.Repeat("x", 500))
	}
	var sizes []int
	for _, text := range []string{short, long + "}"} {
		o, err := document(t, text).OpenFields(salt, "id")
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, o.Size, len(o.Fields[0].Path), len(o.Fields[0].Disclosure))
	}
	if !slices.Equal(sizes[:3], sizes[3:]) {
		t.Errorf("sizes differ: %v", sizes)
	}
}

func TestCommitmentsOfTheTwoKindsCannotPassAsEachOther(t *testing.T) {
	d := document(t, grant)
	if documentCommit(t, grant) == ledger.Commit(salt, []byte(grant)) {
		t.Error("the two kinds are the same")
	}
	o, err := d.OpenFields(salt, "id")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.VerifyFields(ledger.Commit(salt, []byte(grant)), o); err == nil {
		t.Error("fields open the commitment to a whole payload")
	}
}

func TestCommitmentDependsOnFieldsAlone(t *testing.T) {
	c := documentCommit(t, grant)
	same := `{"reason":"内部材料","columns":["street","hour"],"purpose":"traffic study", "id":"g_1"}`
	if documentCommit(t, same) != c {
		t.Error("order or blanks between members change it")
	}
	for _, other := range []string{`{"id":"g_1"}`, strings.Replace(grant, "g_1", "g_2", 1), strings.Replace(grant, "id", "ID", 1),
		strings.Replace(grant, `,"hour"`, `, "hour"`, 1)} {
		if documentCommit(t, other) == c {
			t.Errorf("%s has the same commitment", other)
		}
	}
}

func TestBentOpeningsAreRefused(t *testing.T) {
	c, d := documentCommit(t, grant), document(t, grant)
	for name, bend := range map[string]func(*ledger.Openings){
		"a value":        func(o *ledger.Openings) { f := &o.Fields[0]; f.Disclosure[len(f.Disclosure)-2] ^= 1 },
		"a salt":         func(o *ledger.Openings) { o.Fields[0].Disclosure[10] ^= 1 },
		"a path":         func(o *ledger.Openings) { o.Fields[1].Path[2][0] ^= 1 },
		"a short path":   func(o *ledger.Openings) { o.Fields[1].Path = o.Fields[1].Path[1:] },
		"a place":        func(o *ledger.Openings) { o.Fields[1].Index ^= 1 },
		"the order":      func(o *ledger.Openings) { slices.Reverse(o.Fields) },
		"a field twice":  func(o *ledger.Openings) { o.Fields[1] = o.Fields[0] },
		"another size":   func(o *ledger.Openings) { o.Size = 64 },
		"an odd size":    func(o *ledger.Openings) { o.Size = 17 },
		"nothing opened": func(o *ledger.Openings) { o.Fields = nil },
		"no path at all": func(o *ledger.Openings) { o.Fields[0].Path = nil },
	} {
		o, err := d.OpenFields(salt, "id", "purpose")
		if err != nil {
			t.Fatal(err)
		}
		bend(&o)
		if _, err := ledger.VerifyFields(c, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := d.OpenFields(salt, "none"); err == nil {
		t.Error("a field that is not there is opened")
	}
	if _, err := d.OpenFields(salt[1:], "id"); err == nil {
		t.Error("a short salt is taken")
	}
}

func TestParseDocumentRefuses(t *testing.T) {
	many := "{"
	for i := range ledger.MaxFields + 1 {
		many += fmt.Sprintf(`"f%d":1,`, i)
	}
	for name, text := range map[string]string{
		"nothing": "", "an array": "[]", "no fields": "{}", "a duplicate": `{"a":1,"a":2}`, "a tail": `{"a":1}x`,
		"an escaped duplicate": `{"a":1,"\u0061":2}`, "cut": `{"a":1`, "no name": `{"":1}`, "no value": `{"a":}`,
		"too many": strings.TrimSuffix(many, ",") + "}", "a long name": `{"` + strings.Repeat("n", 129) + `":1}`,
	} {
		if _, err := ledger.ParseDocument([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// documentFixture is a log in which one record commits to the grant by its fields.
func documentReceipt(t testing.TB) (*fixture, ledger.Receipt) {
	t.Helper()
	f := newFixture(t, 8)
	e := entry(8)
	e.Commitment = documentCommit(t, grant)
	f.append(t, e)
	return f, f.receipt(t, 8)
}

func TestReceiptCarriesOpenings(t *testing.T) {
	f, r := documentReceipt(t)
	o, err := document(t, grant).OpenFields(salt, "purpose", "id")
	if err != nil {
		t.Fatal(err)
	}
	r.Openings = &o
	v, err := ledger.Verify(encode(t, r), f.policy())
	if err != nil || v.Word != ledger.Proven || !has(v.Checked, ledger.CheckFields) || !has(v.NotChecked, ledger.CheckPayload) {
		t.Fatalf("got %s, %v, checked %v", v.Word, err, v.Checked)
	}
	if got := string(v.Report(nil).Fields["purpose"]); got != `"traffic study"` {
		t.Errorf("the report opens %s", got)
	}
	o.Fields[0].Path[0][0] ^= 1
	wantFault(t, encode(t, r), f.policy(), ledger.Untrusted, ledger.PartFields, "")
	r.Openings, r.Salt, r.Payload = nil, salt, []byte(grant)
	if v, err := ledger.Verify(encode(t, r), f.policy()); err != nil || v.Word != ledger.ProvenWithData {
		t.Errorf("the whole payload: got %s, %v", v.Word, err)
	}
}

func TestOpeningsBesideASaltAreRefused(t *testing.T) {
	f, r := documentReceipt(t)
	o, err := document(t, grant).OpenFields(salt, "id")
	if err != nil {
		t.Fatal(err)
	}
	r.Openings, r.Salt = &o, salt
	wantFault(t, encode(t, r), f.policy(), ledger.CannotEvaluate, ledger.PartFile, "")
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(grant))
	f.Add([]byte(`{"a":{"b":[1,{}]},"ä":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ledger.ParseDocument(b)
		if err != nil {
			return
		}
		c, err := ledger.DocumentCommit(salt, d)
		if err != nil {
			t.Fatal(err)
		}
		o, err := d.OpenFields(salt, d.Fields[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ledger.VerifyFields(c, o); err != nil || !bytes.Equal(got[0].Value, d.Fields[0].Value) {
			t.Errorf("what is opened does not hold: %v", err)
		}
	})
}
