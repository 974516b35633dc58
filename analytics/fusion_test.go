package analytics_test

import (
	"encoding/json"
	"flag"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth/analytics"
	"plinth/internal/district"
)

var update = flag.Bool("update", false, "write weights.json anew")

var start = time.Date(2026, 11, 2, 0, 0, 0, 0, district.Shanghai)

// fitSeed is the district on which the weights were fitted; it never serves for scoring.
const (
	fitSeed = 101
	fitDays = 14
)

// labelled yields a district's events as fusion receives them, with the truth.
func labelled(seed uint64, days int) iter.Seq2[analytics.Event, string] {
	d := district.New(district.Config{Seed: seed, Start: start})
	return func(yield func(analytics.Event, string) bool) {
		for e := range d.Events(start, start.AddDate(0, 0, days)) {
			if !yield(event(e), e.Incident) {
				return
			}
		}
	}
}

func event(e district.Event) analytics.Event {
	return analytics.Event{Source: e.Source, SourceID: e.SourceID, At: e.At, Class: e.Class, Title: e.Title, Text: e.Text,
		Street: e.Street, Grid: e.Grid, Address: e.Address, Longitude: e.Longitude, Latitude: e.Latitude, RX: e.At}
}

func fuse(t *analytics.Weights, events iter.Seq2[analytics.Event, string]) (found, truth []string) {
	f := analytics.NewFusion(t)
	for e, in := range events {
		found = append(found, string(f.Assign(e).Incident))
		truth = append(truth, in)
	}
	return found, truth
}

func TestWeightsAreWhatFittingGives(t *testing.T) {
	fitted := analytics.Fit(labelled(fitSeed, fitDays), "fs-2026-11-24", "simulated district, seed 101, 14 days from 2026-11-02")
	got, err := json.MarshalIndent(fitted, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("weights.json", append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("weights.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("weights.json is not what fitting gives; run this test with -update and state the new version:\n%s", diff)
	}
}

func TestFusionFindsTheIncidentsOfOtherDistricts(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4, 5} {
		found, truth := fuse(analytics.CurrentWeights(), labelled(seed, 7))
		s := analytics.ScorePairs(found, truth)
		t.Logf("seed %d: %d events, %d true pairs: precision %.3f, recall %.3f, F1 %.3f, foreign members %.3f",
			seed, len(found), s.Pairs, s.Precision, s.Recall, s.F1, s.Foreign)
		if s.F1 < .9 || s.Foreign > .1 {
			t.Errorf("seed %d: F1 %.3f, want at least .9; foreign %.3f, want at most .1", seed, s.F1, s.Foreign)
		}
	}
}

func TestSameEventsGiveTheSameSteps(t *testing.T) {
	steps := func() (out []analytics.Step) {
		f := analytics.NewFusion(analytics.CurrentWeights())
		for e := range labelled(6, 2) {
			out = append(out, f.Assign(e))
		}
		return out
	}
	if diff := cmp.Diff(steps(), steps()); diff != "" {
		t.Error(diff)
	}
}

func TestFusionGoesOnFromTheLogAsIfItHadNeverStopped(t *testing.T) {
	var want []analytics.Step
	whole := analytics.NewFusion(analytics.CurrentWeights())
	for e := range labelled(7, 3) {
		want = append(want, whole.Assign(e))
	}
	half := len(want) / 2
	resumed := analytics.NewFusion(analytics.CurrentWeights())
	for _, s := range want[:half] {
		resumed.Replay(s)
	}
	for _, s := range want[half:] {
		if diff := cmp.Diff(s, resumed.Assign(s.Event)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestEveryMemberSaysWhy(t *testing.T) {
	f := analytics.NewFusion(analytics.CurrentWeights())
	for e := range labelled(8, 1) {
		s := f.Assign(e)
		if s.Op != analytics.Attach {
			continue
		}
		var sum float64
		for _, w := range s.Weights {
			sum += w.Weight
			if w.Observed == "" {
				t.Fatalf("%s: %s without what was observed", e.ID(), w.Feature)
			}
		}
		if diff := sum - s.Score; diff > 1e-9 || diff < -1e-9 {
			t.Fatalf("%s: weights add up to %v, score is %v", e.ID(), sum, s.Score)
		}
	}
}

func TestAnEventWithoutPlaceOrWordsStandsAlone(t *testing.T) {
	f := analytics.NewFusion(analytics.CurrentWeights())
	for _, id := range []string{"1", "2"} {
		if s := f.Assign(analytics.Event{Source: "hotline", SourceID: id, At: start}); s.Op != analytics.Open {
			t.Errorf("event %s joined %s", id, s.Incident)
		}
	}
}

func FuzzAssignTakesAnyText(f *testing.F) {
	f.Add("兰溪路12弄", "水管爆裂", "", 121.4, 31.2)
	f.Add("路路路弄号１２", "\xff\xfe", "a/b", 0.0, -0.0)
	fusion := analytics.NewFusion(analytics.CurrentWeights())
	f.Fuzz(func(t *testing.T, address, text, class string, lon, lat float64) {
		e := analytics.Event{Source: "x", SourceID: text, At: start, Class: class, Title: address, Text: text, Address: address, Longitude: lon, Latitude: lat}
		if s := fusion.Assign(e); s.Incident == "" {
			t.Error("no incident")
		}
	})
}

func BenchmarkAssign(b *testing.B) {
	var events []analytics.Event
	for e := range labelled(9, 14) {
		events = append(events, e)
	}
	b.ResetTimer()
	for i := 0; i < b.N; {
		f := analytics.NewFusion(analytics.CurrentWeights())
		for _, e := range events {
			f.Assign(e)
			if i++; i >= b.N {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
