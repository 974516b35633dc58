package clickhouse_test

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plinth/analytics"
	"plinth/internal/clickhouse"
	"plinth/internal/district"
	"plinth/pipelines"
)

// hotline reads the complaints of the public sample whose times are written out.
func hotline(t *testing.T) []pipelines.Event {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "hotline", "complaints.csv"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the hotline sample is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	var out []pipelines.Event
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation("2006/1/2 15:04:05", row[3], district.Shanghai)
		if err != nil {
			continue
		}
		out = append(out, pipelines.Event{Source: "hotline", SourceID: row[0], At: at, Class: "市民留言", Title: row[2],
			Text: strings.TrimSpace(row[4]), RX: at})
	}
}

func TestAWeekOfTheCitysHotlineHasItsWords(t *testing.T) {
	events := hotline(t)
	db := emptied(t)
	if err := clickhouse.NewEvents(db).InsertEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	f := analytics.CountFilter{From: time.Date(2019, 4, 15, 0, 0, 0, 0, district.Shanghai), To: time.Date(2019, 4, 22, 0, 0, 0, 0, district.Shanghai)}
	trends := clickhouse.NewTrends(db)
	counts, err := trends.CountByDay(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var n, want int64
	for _, c := range counts {
		n += c.Count
	}
	for _, e := range events {
		if !e.At.Before(f.From) && e.At.Before(f.To) {
			want++
		}
	}
	words, docs, err := analytics.HotWords(t.Context(), trends, f, 25)
	if err != nil || n != want || docs != want || len(words) != 25 {
		t.Fatalf("%d counted, %d documents of %d, %d words, %v", n, docs, want, len(words), err)
	}
	for _, w := range words {
		t.Logf("%s %d (%.0f‰, before %.0f‰)", w.Word, w.Count, w.Share, w.ShareBefore)
	}
	began := time.Now()
	if passed, err := fuser(clickhouse.NewFusion(db)).Pass(t.Context()); err != nil || passed != len(events) {
		t.Errorf("%d of %d complaints fused, %v", passed, len(events), err)
	}
	t.Logf("%d complaints fused and written in %s", len(events), time.Since(began).Round(time.Millisecond))
}
