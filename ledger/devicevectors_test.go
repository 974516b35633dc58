package ledger_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"plinth/ledger"
	"plinth/ledger/ledgertest"
)

// deviceVector is one line of device/vectors.json: a file, the question, and what a verifier must answer under
// device/roots.json.
type deviceVector struct {
	File   string      `json:"file"`
	Note   string      `json:"note"`
	Device string      `json:"device"`
	From   time.Time   `json:"from"`
	To     time.Time   `json:"to"`
	At     time.Time   `json:"at"`
	Word   ledger.Word `json:"word"`
	Part   ledger.Part `json:"part,omitempty"`
	// Seqs are the entries in force, in order of time; Gaps is how many stretches have none.
	Seqs []uint64 `json:"inForce,omitempty"`
	Gaps int      `json:"gaps,omitempty"`
}

func TestDeviceVectorsHaveTheirVerdicts(t *testing.T) {
	if *update {
		writeDeviceVectors(t)
	}
	trust, err := ledger.ParseTrust(read(t, "device/roots.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	var all []deviceVector
	if err := json.Unmarshal(read(t, "device/vectors.json"), &all); err != nil || len(all) < len(deviceCases) {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	for _, v := range all {
		p.At = v.At
		got, err := ledger.VerifyDevice(deviceVectorFile(t, v.File), p, v.Device, v.From, v.To)
		var fault *ledger.Fault
		if errors.As(err, &fault); fault == nil {
			fault = &ledger.Fault{}
		}
		if got.Word != v.Word || fault.Part != v.Part {
			t.Errorf("%s: got %s, %v; want %s, %s", v.Note, got.Word, err, v.Word, v.Part)
		}
		if err == nil && (len(got.Windows) != len(v.Seqs) || len(got.Gaps) != v.Gaps) {
			t.Errorf("%s: %d windows and %d gaps, want %v and %d", v.Note, len(got.Windows), len(got.Gaps), v.Seqs, v.Gaps)
		}
	}
}

// deviceVectorFile reads a file that lies in the folder as base64.
func deviceVectorFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(string(read(t, filepath.Join("device", name))))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeDeviceFile(t *testing.T, name string, b []byte) {
	t.Helper()
	write(t, filepath.Join("device", name), append(base64.StdEncoding.AppendEncode(nil, b), '\n'))
}

func writeDeviceVectors(t *testing.T) {
	l, at := town(t)
	trust := ledger.Trust{LogKeys: []string{l.vkey}}
	for _, o := range l.orgs {
		trust.Roots = append(trust.Roots, ledger.TrustedRoot{MSP: o.MSP, Name: "root of " + o.MSP,
			PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Root.Raw}))})
	}
	write(t, "device/roots.json", indent(t, trust))
	honest := l.file(t, int64(len(l.entries)), true, at...)
	l.prove(t, &honest, at[0], 59)
	all := []deviceVector{{File: "proven.b64", Note: "an honest file with a reading", Device: "wq-7", Word: ledger.ProvenWithData,
		Seqs: []uint64{1, 4, 3, 5}, Gaps: 1}}
	writeDeviceFile(t, "proven.b64", encodeDevice(t, honest))
	for _, c := range deviceCases {
		f := l.file(t, int64(len(l.entries)), true, at...)
		c.bend(t, l, at, &f)
		writeDeviceFile(t, c.name+".b64", encodeDevice(t, f))
		all = append(all, deviceVector{File: c.name + ".b64", Note: c.note, Device: c.device, Word: c.word, Part: c.part})
	}
	writeDeviceFile(t, "cut.b64", encodeDevice(t, honest)[:900])
	all = append(all, deviceVector{File: "cut.b64", Note: "the first 900 bytes", Device: "wq-7", Word: ledger.CannotEvaluate, Part: ledger.PartFile})
	for i := range all {
		all[i].From, all[i].To, all[i].At = start(0), start(5), ledgertest.Begin.AddDate(1, 0, 0)
	}
	write(t, "device/vectors.json", indent(t, all))
}
