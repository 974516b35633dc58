package pipelines_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/pipelines/fetch"
)

// source is an endpoint whose answers a test writes.
type source struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // the queries
	answer http.HandlerFunc
}

func newSource(t *testing.T, answer http.HandlerFunc) *source {
	t.Helper()
	s := &source{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.RawQuery)
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *source) say(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// questions returns what was asked since it was last called.
func (s *source) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.asked = nil }()
	return s.asked
}

// probe is a record of the mapping probes.
func probe(second int, value any) map[string]any {
	return map[string]any{"device": "p1", "at": probesBegin.Add(time.Duration(second) * time.Second).Format(time.RFC3339), "value": value}
}

var probesBegin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func list(records ...any) []byte {
	b, err := json.Marshal(map[string]any{"data": map[string]any{"items": records}})
	if err != nil {
		panic(err)
	}
	return b
}

// puller is a new process that pulls.
func (l *lab) puller(t *testing.T) *pipelines.Puller {
	t.Helper()
	client, err := fetch.New(fetch.Config{Allow: []string{"127.0.0.1"}, Secrets: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	own, err := pipelines.ParseMapping([]byte(probes))
	if err != nil {
		t.Fatal(err)
	}
	all, err := pipelines.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	all = maps.Clone(all)
	all[own.Name] = own
	im := l.importer()
	im.Gates = &pipelines.Gates{}
	return &pipelines.Puller{Importer: im, Fetcher: client, Mappings: func() map[string]*pipelines.Mapping { return all },
		Marks: postgres.NewMarks(l.pg), Leases: postgres.NewLeases(l.pg), Holder: plinth.NewID("pul"), Pause: time.Millisecond,
		Declared: func(context.Context) ([]pipelines.Pipeline, error) { return nil, nil }, Now: time.Now, Log: l.log}
}

// pulls declares a pull of readings that come in ascending order of time.
func pulls(t *testing.T, id, url, more string) pipelines.Pipeline {
	t.Helper()
	d, err := pipelines.ParseDeclaration(fmt.Appendf(nil, `id: %s
title: {zh: 探头接口, en: Probes by pull}
kind: pull
source:
  url: %s
  format: json
  records: /data/items
  cursor: since
  cursor_field: at
  overlap: 10s
  every: 1h
%s
mapping: probes
sink: readings
owner: databureau
`, id, url, more))
	if err != nil {
		t.Fatal(err)
	}
	return pipelines.Pipeline{Declaration: d, Version: 1}
}

func (l *lab) probes(t *testing.T) int {
	return l.count(t, `SELECT count() FROM plinth.reading FINAL WHERE device = 'p1'`)
}

// run returns a pipeline's newest run, and the sums of all.
func (l *lab) run(t *testing.T, id string) pipelines.Totals {
	t.Helper()
	all, err := postgres.NewPipelines(l.pg).Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all[id]
}

func TestAPullFollowsPagesAndGoesOnAtItsCursor(t *testing.T) {
	l := newLab(t)
	src := newSource(t, nil)
	src.say(func(w http.ResponseWriter, r *http.Request) { // three pages, by link
		switch r.URL.Query().Get("token") {
		case "":
			w.Header().Set("Link", `<https://other.example/>; rel="prev", </v1/probes?token=2>; rel="next"`)
			_, _ = w.Write(list(probe(0, 1), probe(1, "2")))
		case "2":
			w.Header().Set("Link", `<?token=3>; title="a, b"; rel=next`)
			_, _ = w.Write(list(probe(2, "bad"), "no object", probe(3, 3)))
		default:
			_, _ = w.Write(list(probe(4, 4)))
		}
	})
	pl := pulls(t, "by-link", src.URL+"/v1/probes", "")
	if err := l.puller(t).Pull(t.Context(), pl); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", "token=2", "token=3"}, src.questions()); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
	if n := l.probes(t); n != 4 {
		t.Errorf("%d rows are stored, want 4", n)
	}
	run := l.run(t, "by-link")
	if got, want := (counts{run.In, run.Stored, run.Known, run.Dead}), (counts{In: 6, Stored: 4, Dead: 2}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	if run.Last.Kind != pipelines.PullRun || run.Last.State != pipelines.Done {
		t.Errorf("run %+v", run.Last)
	}
	letters, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Pipeline: "by-link"}, 10)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%d dead letters, %v", len(letters), err)
	}
	for i, l := range letters[:2] {
		letters[i].Source = strings.TrimPrefix(l.Source, src.URL)
	}
	slices.SortFunc(letters, func(a, b pipelines.Letter) int { return int(a.Row) - int(b.Row) })
	if a := letters[0]; a.Source != "/v1/probes page 2" || a.Row != 1 || a.Field != "value" || !strings.Contains(a.Reason, `"bad" is not a finite number`) {
		t.Errorf("dead letter %+v does not name page, record, field and rule", a)
	}
	if b := letters[1]; b.Row != 2 || b.Field != "row" || !strings.Contains(b.Reason, "not a JSON object") {
		t.Errorf("dead letter %+v", b)
	}

	// A new process asks from the cursor, less the overlap.
	src.say(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(list(probe(4, 4), probe(4, 5), probe(5, 5)))
	})
	if err := l.puller(t).Pull(t.Context(), pl); err != nil {
		t.Fatal(err)
	}
	if got := src.questions(); len(got) != 1 || got[0] != "since=2026-10-31T23%3A59%3A54Z" {
		t.Errorf("asked %q", got)
	}
	if n := l.probes(t); n != 6 {
		t.Errorf("%d rows are stored, want 6: of two values of one time both", n)
	}
}

// forgetful is a store of marks whose process is gone before it can keep one.
type forgetful struct{ pipelines.Marks }

func (forgetful) SetMark(context.Context, string, string, string) error { return errors.New("killed") }

func TestAPullThatIsKilledBeforeItsCursorAsksAgainAndStoresOnce(t *testing.T) {
	l := newLab(t)
	src := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		var out []any
		if r.URL.Query().Get("page") == "1" {
			for i := range 5 {
				out = append(out, probe(i, i))
			}
		}
		_, _ = w.Write(list(out...))
	})
	pl := pulls(t, "killed", src.URL, "  paging: page")
	dying := l.puller(t)
	dying.Marks = forgetful{dying.Marks}
	if err := dying.Pull(t.Context(), pl); err == nil {
		t.Fatal("a pull whose cursor was not kept says that it is done")
	}
	if n := l.probes(t); n != 5 {
		t.Fatalf("%d rows are stored before the cursor, want 5", n)
	}
	first := src.questions()
	if err := l.puller(t).Pull(t.Context(), pl); err != nil {
		t.Fatal(err)
	}
	if again := src.questions(); again[0] != first[0] {
		t.Errorf("asked %q, want %q again: the cursor is ahead of the rows", again[0], first[0])
	}
	if n := l.count(t, `SELECT count() FROM plinth.reading WHERE device = 'p1'`); n != 5 {
		t.Errorf("%d rows after asking twice, want 5", n)
	}
	if run := l.run(t, "killed"); run.Known != 5 {
		t.Errorf("%+v, want 5 known", run)
	}

	// One puller at a time.
	held := l.puller(t)
	if ours, err := held.Leases.Lease(t.Context(), "killed", held.Holder, time.Minute); err != nil || !ours {
		t.Fatalf("lease %t, %v", ours, err)
	}
	if err := l.puller(t).Pull(t.Context(), pl); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("a second puller: %v, want a conflict", err)
	}
}

func TestAPullBearsWhatEndpointsDo(t *testing.T) {
	l := newLab(t)
	src := newSource(t, nil)
	pull := func(t *testing.T, id, more string) pipelines.Totals {
		t.Helper()
		_ = src.questions()
		_ = l.puller(t).Pull(t.Context(), pulls(t, id, src.URL, more))
		return l.run(t, id)
	}
	t.Run("busy", func(t *testing.T) {
		times := 0
		src.say(func(w http.ResponseWriter, _ *http.Request) {
			if times++; times == 1 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			_, _ = w.Write(list(probe(100, 1)))
		})
		begun := time.Now()
		if got := pull(t, "busy", ""); got.Stored != 1 || time.Since(begun) < time.Second {
			t.Errorf("%+v after %s, want one row after the second that the endpoint asked for", got, time.Since(begun))
		}
	})
	t.Run("busy for long", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		got := pull(t, "busy-long", "")
		if got.Last.State != pipelines.Failed || !strings.Contains(got.Last.Error, "503") || len(src.questions()) != 1 {
			t.Errorf("%+v, want a failed run after one question", got.Last)
		}
	})
	t.Run("endless pages", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, r *http.Request) {
			var n int
			_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n)
			_, _ = w.Write(list(probe(1000+n, n)))
		})
		if got := pull(t, "endless", "  paging: page"); got.In != 100 || len(src.questions()) != 100 {
			t.Errorf("%+v, want 100 pages in one run", got)
		}
		pull(t, "endless", "  paging: page")
		if q := src.questions(); q[0] != "page=101" {
			t.Errorf("the next run asks %q, want it to go on", q[0])
		}
	})
	t.Run("pages that it does not know", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list(probe(200, 1), probe(201, 1))) })
		if got := pull(t, "no-pages", "  paging: page"); got.In != 2 || got.Last.State != pipelines.Done {
			t.Errorf("%+v, want the page once", got)
		}
	})
	t.Run("a circle", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", `<?a=1>; rel="next"`)
			_, _ = w.Write(list(probe(300, 1)))
		})
		if got := pull(t, "circle", ""); got.Last.State != pipelines.Failed || !strings.Contains(got.Last.Error, "circle") {
			t.Errorf("%+v", got.Last)
		}
	})
	t.Run("10 MB", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 10<<20) + "[]"))
		})
		if got := pull(t, "large", ""); got.Last.State != pipelines.Failed || !strings.Contains(got.Last.Error, "more than 8388608 bytes") {
			t.Errorf("%+v", got.Last)
		}
	})
	t.Run("no JSON", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
		if got := pull(t, "html", ""); got.Last.State != pipelines.Failed || got.Last.Error != "body: the answer is not JSON" {
			t.Errorf("%+v", got.Last)
		}
	})
	t.Run("a redirect inside", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		})
		got := pull(t, "redirect", "")
		if got.Last.State != pipelines.Failed || !strings.Contains(got.Last.Error, "redirects are only followed within") {
			t.Errorf("%+v", got.Last)
		}
	})
	t.Run("the same again", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"one"`)
			if r.Header.Get("If-None-Match") == `"one"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(list(probe(400, 1)))
		})
		p, pl := l.puller(t), pulls(t, "same", src.URL, "")
		for range 4 {
			if err := p.Pull(t.Context(), pl); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.run(t, "same"); got.In != 2 || got.Stored != 1 || got.Known != 1 {
			t.Errorf("%+v, want one row stored, asked for once more with the cursor, and then told that nothing changed", got)
		}
		if n := l.runs(t, "same"); n != 2 {
			t.Errorf("%d runs, want one that stored something and one of those that did not", n)
		}
	})
	t.Run("a record of the future", func(t *testing.T) {
		src.say(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(list(map[string]any{"device": "p1", "at": "2999-01-01T00:00:00Z", "value": 1}))
		})
		pull(t, "future", "")
		pull(t, "future", "")
		if q := src.questions(); len(q) != 1 || !strings.HasPrefix(q[0], "since=202") {
			t.Errorf("asked %q: a record of the year 2999 hides all before it", q)
		}
	})
	t.Run("paused", func(t *testing.T) {
		p := l.puller(t)
		p.Importer.Gates.Set(map[string]pipelines.Pause{"paused": {Name: "me"}}, nil)
		_ = src.questions()
		if err := p.Pull(t.Context(), pulls(t, "paused", src.URL, "")); err != nil || len(src.questions()) != 0 {
			t.Errorf("a paused pipeline was asked: %v", err)
		}
	})
}

func (l *lab) runs(t *testing.T, id string) (n int) {
	t.Helper()
	if err := l.pg.QueryRow(t.Context(), `SELECT count(*) FROM pipeline_run WHERE pipeline = $1`, id).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// requests are invented.
const requests = `[
 {"service_request_id":"PT-2026-0001","status":"open","status_notes":null,"service_name":"路灯故障","service_code":"011",
  "description":"真北路桥下路灯不亮","agency_responsible":"区绿化市容局","requested_datetime":"%s",
  "updated_datetime":"2026-11-20T09:00:00+08:00","address":"真北路 100 号","lat":31.2412,"long":121.3912},
 {"service_request_id":"PT-2026-0002","status":"maybe","service_name":"噪声","requested_datetime":"%[1]s"},
 {"service_request_id":"PT-2026-0003","status":"closed","service_name":"噪声","requested_datetime":"%[1]s","lat":null,"long":null}
]`

func TestHotlineTicketsComeByOpen311(t *testing.T) {
	l := newLab(t)
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	src := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/open311/v2/requests.json" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if r.URL.Query().Get("page") != "1" {
			_, _ = w.Write([]byte("[]"))
			return
		}
		_, _ = fmt.Fprintf(w, requests, at.Format(time.RFC3339))
	})
	d, err := pipelines.ParseDeclaration(fmt.Appendf(nil, `id: hotline-311
title: {zh: 热线工单, en: Hotline tickets}
kind: pull
source: {url: "%s/open311/v2?jurisdiction_id=putuo", format: open311, every: 10m}
mapping: open311
sink: events
owner: data-bureau
`, src.URL))
	if err != nil {
		t.Fatal(err)
	}
	pl := pipelines.Pipeline{Declaration: d, Version: 1}
	if err := l.puller(t).Pull(t.Context(), pl); err != nil {
		t.Fatal(err)
	}
	q := src.questions()
	if len(q) != 2 || !strings.Contains(q[0], "jurisdiction_id=putuo") || !strings.Contains(q[0], "start_date=") || !strings.Contains(q[0], "end_date=") {
		t.Errorf("asked %q", q)
	}
	got, err := l.sink.ByID(t.Context(), "open311", []string{"PT-2026-0001", "PT-2026-0003"})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d tickets are stored, want 2: %v", len(got), err)
	}
	if e := got["PT-2026-0001"]; e.Class != "路灯故障" || !e.At.Equal(at) || e.Longitude != 121.3912 || e.Attrs["agency"] != "区绿化市容局" {
		t.Errorf("the ticket is %+v", e)
	}
	letters, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Pipeline: "hotline-311"}, 10)
	if err != nil || len(letters) != 1 || letters[0].Field != "status" || letters[0].Row != 2 {
		t.Fatalf("dead letters %+v, %v", letters, err)
	}

	// It is mended and sent again by the desk, through the pull's own mapping.
	desk := l.desk(t)
	desk.Declared = func(context.Context, string) (pipelines.Pipeline, error) { return pl, nil }
	mended := strings.Replace(letters[0].Payload, "maybe", "open", 1)
	out, err := desk.Replay(t.Context(), mender, pipelines.LetterFilter{IDs: []string{letters[0].ID}}, &mended, "the state is open")
	if err != nil || out.Rows != 1 || out.Closed != 1 {
		t.Errorf("replayed %+v, %v", out, err)
	}

	if err := l.puller(t).Pull(t.Context(), pl); err != nil {
		t.Fatal(err)
	}
	if want := "start_date=" + strings.ReplaceAll(at.Add(-24*time.Hour).Format(time.RFC3339), ":", "%3A"); !strings.Contains(src.questions()[0], want) {
		t.Errorf("the second run does not ask from %s", want)
	}
}
