package fabric_test

import (
	"slices"
	"testing"
	"time"

	"plinth/ledger/sequencer"
)

// BenchmarkAnchor is one checkpoint of 1 000 more leaves, to the commit event.
func BenchmarkAnchor(b *testing.B) {
	c := open(b, fabricConfig)
	l := newLog(b).register(c)
	l.grow(1000, "leaf").mustAnchor(c, 0)
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		from := l.size
		l.grow(1000, "leaf")
		note, proof := l.checkpoint(), l.proof(from)
		b.StartTimer()
		begun := time.Now()
		if _, err := c.Anchor(b.Context(), l.origin, sequencer.Submission{Note: note, Proof: proof}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	reportPercentiles(b, took)
}

// BenchmarkAttest is the endorsed read of two organisations.
func BenchmarkAttest(b *testing.B) {
	c := open(b, fabricConfig)
	l := newLog(b).register(c)
	l.grow(1000, "leaf").mustAnchor(c, 0)
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		if _, err := c.Attest(b.Context(), l.origin, l.size); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	reportPercentiles(b, took)
}

func reportPercentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*95/100]), "p95-ms")
}
