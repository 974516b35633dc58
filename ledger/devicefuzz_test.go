package ledger_test

import (
	"bytes"
	"testing"

	"plinth/ledger"
)

func FuzzParseDeviceFile(f *testing.F) {
	l, at := town(f)
	good := l.file(f, at[1]+2, true, at[:2]...)
	l.prove(f, &good, at[0], 5)
	f.Add(encodeDevice(f, good))
	f.Add([]byte{0xa1, 0x01, 0x60})
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ledger.ParseDeviceFile(b)
		if err != nil {
			return
		}
		if again, err := file.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("a device file has two forms: %v", err)
		}
	})
}

func FuzzVerifyDevice(f *testing.F) {
	l, at := town(f)
	file := l.file(f, at[1]+2, true, at[:2]...)
	l.prove(f, &file, at[0], 5)
	good, p := encodeDevice(f, file), l.policy()
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ledger.VerifyDevice(b, p, "wq-7", start(0), start(2)); err == nil && !bytes.Equal(b, good) {
			t.Error("a device file that nobody made is proven")
		}
	})
}

func FuzzParseReading(f *testing.F) {
	f.Add(ledger.ReadingLeaf(ledger.Reading{Device: "wq-7", Metric: "ph", At: when, Seq: 3, Value: 7.5}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ledger.ParseReading(b)
		if err == nil && !bytes.Equal(ledger.ReadingLeaf(r), b) {
			t.Errorf("a reading has two forms: %x", b)
		}
	})
}

func FuzzParseSegment(f *testing.F) {
	l, at := town(f)
	f.Add(l.files[at[0]].Payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ledger.ParseSegment(b)
		if err != nil {
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("a segment has two forms: %v", err)
		}
	})
}
