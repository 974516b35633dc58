package chaincode_test

import (
	"strings"
	"testing"
)

const (
	recordA = "0190a1b2-0000-7000-8000-00000000000a"
	recordB = "0190a1b2-0000-7000-8000-00000000000b"
	recordC = "0190a1b2-0000-7000-8000-00000000000c"
)

func status(p *peer, record, status, by string) (answer, refusal string) {
	return p.call("SetStatus", []byte(record), []byte(status), []byte(by))
}

func TestAStatusIsFinalUnlessItIsExpiry(t *testing.T) {
	p := newPeer(t)
	want(t, "status tx1")(status(p, recordA, "expired", recordB))
	want(t, "same tx1")(status(p, recordA, "expired", recordB))
	want(t, "EXISTS")(status(p, recordA, "expired", recordC))
	want(t, "status tx4")(status(p, recordA, "revoked", recordC))
	want(t, "EXISTS")(status(p, recordA, "superseded", recordB))
	want(t, "EXISTS")(status(p, recordA, "revoked", recordB))
	want(t, "EXISTS")(status(p, recordA, "expired", recordB))
	want(t, "same tx4")(status(p, recordA, "revoked", recordC))
	want(t, "status tx9")(status(p, recordB, "superseded", recordC))
	if got := p.events["status"]; got != recordB+"\nsuperseded\n"+recordC+"\n" {
		t.Errorf("event says %q", got)
	}
}

func TestSetStatusRefusesBadArguments(t *testing.T) {
	p := newPeer(t)
	for _, a := range [][3]string{
		{recordA, "valid", recordB}, {recordA, "", recordB}, {"x", "revoked", recordB}, {recordA, "revoked", ""}, {recordA, "revoked", recordA},
		{strings.ToUpper(recordA), "revoked", recordB}, {"00000000-0000-0000-0000-000000000000", "revoked", recordB},
		{recordA, strings.Repeat("r", 41), recordB}, {"{" + recordA + "}", "revoked", recordB},
	} {
		want(t, "ARGS")(status(p, a[0], a[1], a[2]))
	}
	want(t, "ORG")(status(p.as("OverseerMSP", "client"), recordA, "revoked", recordB))
	want(t, "ORG")(status(p.as("BureauMSP", "peer"), recordA, "revoked", recordB))
}

func TestARedactionIsNotedOnce(t *testing.T) {
	p := newPeer(t)
	redact := func(p *peer, record, erasure string) (answer, refusal string) {
		return p.call("Redact", []byte(record), []byte(erasure))
	}
	want(t, "redacted tx1")(redact(p, recordA, recordB))
	want(t, "same tx1")(redact(p, recordA, recordB))
	want(t, "EXISTS")(redact(p, recordA, recordC))
	want(t, "redacted tx4")(redact(p, recordC, recordB)) // one erasure shreds many records
	want(t, "ARGS")(redact(p, recordA, recordA))
	want(t, "ARGS")(redact(p, recordA, "x"))
	want(t, "ORG")(redact(p.as("OverseerMSP", "admin"), recordB, recordC))
}
