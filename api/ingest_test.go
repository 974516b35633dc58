package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"plinth"
	"plinth/api"
	"plinth/internal/clickhouse"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/pipelines"
	"plinth/sensors"
)

// ingestHouse takes readings on real engines.
type ingestHouse struct {
	url    string
	sink   clickhouse.Sink
	device string // its credential
	id     string
}

func openIngest(t *testing.T, sink func(pipelines.Sink) pipelines.Sink) *ingestHouse {
	t.Helper()
	ctx := context.Background()
	pg, err := postgres.Open(ctx, stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Close)
	if err := pg.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	ch, err := clickhouse.Open(ctx, stacktest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	if err := ch.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	registry, err := sensors.Open(ctx, postgres.NewSensors(pg), nil, log)
	if err != nil {
		t.Fatal(err)
	}
	h := &ingestHouse{sink: clickhouse.NewSink(ch), id: fmt.Sprintf("in-%x", time.Now().UnixNano())}
	for _, id := range []string{h.id, h.id + "-b"} {
		_, secret, err := registry.Register(ctx, sensors.Device{ID: plinth.DeviceID(id), Kind: "water_quality", Owner: "ecology",
			Interval: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if h.device == "" {
			h.device = secret
		}
	}
	var into pipelines.Sink = h.sink
	if sink != nil {
		into = sink(into)
	}
	direct := &pipelines.Direct{Watch: sensors.NewWatch(time.Now), Sink: into, Meter: &pipelines.Meter{}, Now: time.Now}
	route := api.NewIngestRoute(api.Ingest{Direct: direct, Lookup: registry.Lookup, Keys: postgres.NewKeys(pg, time.Now), Now: time.Now})
	h.serve(t, route, chain{registry, people}, log)
	return h
}

// chain asks one after the other who a caller is.
type chain struct {
	devices *sensors.Registry
	people  tokens
}

func (c chain) Authenticate(ctx context.Context, bearer string) (plinth.Principal, error) {
	if p, err := c.devices.Authenticate(ctx, bearer); err == nil {
		return p, nil
	}
	return c.people.Authenticate(ctx, bearer)
}

func (h *ingestHouse) serve(t *testing.T, route api.Route, auth chain, log *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: log, Auth: auth, Routes: []api.Route{route}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	h.url = "http://" + l.Addr().String()
}

type ingestAnswer struct {
	Code, Message, Field string
	Stored, Refused      int
	Refusals             []pipelines.Refusal
	status               int
	replayed             bool
}

func (h *ingestHouse) post(t *testing.T, token, kind, key string, body io.Reader) ingestAnswer {
	t.Helper()
	r, err := http.NewRequest("POST", h.url+"/v1/ingest", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", kind)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := ingestAnswer{status: resp.StatusCode, replayed: resp.Header.Get("Idempotency-Replayed") == "true"}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *ingestHouse) stored(t *testing.T, id string) []sensors.Reading {
	t.Helper()
	rs, err := h.sink.Of(t.Context(), plinth.DeviceID(id), time.Unix(0, 0), time.Now().AddDate(10, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestIngestStoresEachFormBeforeItAnswers(t *testing.T) {
	h := openIngest(t, nil)
	packed, err := cbor.Marshal(map[string]any{"at": "2026-11-24T12:05:00Z", "v": map[string]any{"ph": 7.5}})
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		token, kind, body string
		stored            int
	}{
		{h.device, "application/json", `{"at":"2026-11-24T12:00:00Z","seq":1,"v":{"ph":7.1,"do":6}}`, 2},
		{h.device, "application/json; charset=utf-8", `{"at":["2026-11-24T12:01:00Z","2026-11-24T12:02:00Z"],"v":{"ph":[7.1,7.2]}}`, 2},
		{h.device, "application/senml+json", `[{"bt":1795521780,"n":"do","u":"ug/L","v":6200}]`, 1},
		{h.device, "application/cbor", string(packed), 1},
		{"operator", "application/x-ndjson", fmt.Sprintf("{\"device\":%q,\"at\":\"2026-11-24T12:06:00Z\",\"v\":{\"ph\":7}}\n\n"+
			"{\"device\":%q,\"at\":\"2026-11-24T12:06:00Z\",\"v\":{\"ph\":7}}", h.id, h.id+"-b"), 2},
	} {
		before := len(h.stored(t, h.id)) + len(h.stored(t, h.id+"-b"))
		a := h.post(t, tt.token, tt.kind, "", strings.NewReader(tt.body))
		after := len(h.stored(t, h.id)) + len(h.stored(t, h.id+"-b"))
		if a.status != 200 || a.Stored != tt.stored || a.Refused != 0 || after-before != tt.stored {
			t.Errorf("%d %s: %+v, %d rows more; want %d", i, tt.kind, a, after-before, tt.stored)
		}
	}
}

func TestIngestNamesWhatItRefuses(t *testing.T) {
	h := openIngest(t, nil)
	for name, tt := range map[string]struct {
		token, kind, body string
		status            int
		field             string
	}{
		"another device":        {h.device, "application/json", `{"device":"` + h.id + `-b","at":"2026-11-24T12:00:00Z","v":{"ph":7}}`, 400, "device"},
		"no device":             {"operator", "application/json", `{"at":"2026-11-24T12:00:00Z","v":{"ph":7}}`, 400, "device"},
		"unknown device":        {"operator", "application/json", `{"device":"nobody","at":"2026-11-24T12:00:00Z","v":{"ph":7}}`, 400, "device"},
		"wrong unit":            {h.device, "application/senml+json", `[{"n":"do","u":"Cel","v":6}]`, 400, "unit"},
		"NaN":                   {h.device, "application/json", `{"at":"2026-11-24T12:00:00Z","v":{"ph":NaN}}`, 400, "v.ph"},
		"not UTF-8":             {h.device, "application/x-ndjson", "{\"at\":\"\xff\"}", 400, "payload"},
		"deep":                  {h.device, "application/json", strings.Repeat("[", 1<<20), 400, "[0].payload"},
		"endless line":          {h.device, "application/x-ndjson", strings.Repeat("x", 1<<20), 400, "payload"},
		"ten megabytes":         {h.device, "application/json", strings.Repeat(" ", 10<<20), 413, ""},
		"no content type":       {h.device, "", `{}`, 400, "Content-Type"},
		"nothing":               {h.device, "application/x-ndjson", "\n\n", 400, "body"},
		"nobody":                {"stranger", "application/json", "{}", 401, ""},
		"who may not":           {"steward", "application/json", "{}", 403, ""},
		"ten megabytes, unsaid": {h.device, "application/json", strings.Repeat(" ", 10<<20), 413, ""},
	} {
		var body io.Reader = strings.NewReader(tt.body)
		if strings.HasSuffix(name, "unsaid") {
			body = io.MultiReader(body) // without a length
		}
		a := h.post(t, tt.token, tt.kind, "", body)
		field := a.Field
		if len(a.Refusals) > 0 {
			field = a.Refusals[0].Field
		}
		if a.status != tt.status || field != tt.field || a.Code == "" || a.Message == "" {
			t.Errorf("%s: %+v; want %d and field %q", name, a, tt.status, tt.field)
		}
	}
	a := h.post(t, h.device, "application/x-ndjson", "", strings.NewReader("{\"at\":\"2026-11-24T13:00:00Z\",\"v\":{\"ph\":7,\"x\":1}}\n{\n"))
	want := []pipelines.Refusal{{Line: 1, Device: h.id, Field: "v.x", Reason: "the device has no such metric"},
		{Line: 2, Device: h.id, Field: "payload", Reason: "a string is expected at byte 1"}}
	if a.status != 200 || a.Stored != 1 || fmt.Sprint(a.Refusals) != fmt.Sprint(want) {
		t.Errorf("a mixed body: %+v; want one stored and %v", a, want)
	}
}

// away is a store that fails so many times.
type away struct {
	pipelines.Sink
	times int
}

func (s *away) InsertReadings(ctx context.Context, rs []sensors.Reading) error {
	if s.times--; s.times >= 0 {
		return fmt.Errorf("connection refused")
	}
	return s.Sink.InsertReadings(ctx, rs)
}

func TestIngestAnswersARepeatedKeyOnceAndAFailedOneAgain(t *testing.T) {
	h := openIngest(t, func(s pipelines.Sink) pipelines.Sink { return &away{Sink: s, times: 1} })
	body := `{"at":"2026-11-24T12:00:00Z","seq":1,"v":{"ph":7.1}}`
	post := func(body string) ingestAnswer {
		return h.post(t, h.device, "application/x-ndjson", "key-1", strings.NewReader(body))
	}
	if a := post(body); a.status != 503 || len(h.stored(t, h.id)) != 0 {
		t.Errorf("with the store away: %+v", a)
	}
	if a := post(body); a.status != 200 || a.replayed || a.Stored != 1 {
		t.Errorf("after it came back: %+v", a)
	}
	if a := post(body); a.status != 200 || !a.replayed || a.Stored != 1 {
		t.Errorf("the key again: %+v", a)
	}
	if a := post(body + " "); a.status != 409 {
		t.Errorf("the key with another body: %+v", a)
	}
	if rs := h.stored(t, h.id); len(rs) != 1 {
		t.Errorf("%d rows are stored, want one", len(rs))
	}
}

// TestIngestStreamsALongBodyInBoundedMemory sends more than the limits of memory could hold at once.
func TestIngestStreamsALongBodyInBoundedMemory(t *testing.T) {
	h := openIngest(t, nil)
	const lines = 120_000
	var peak uint64
	r, w := io.Pipe()
	go func() {
		var buf bytes.Buffer
		at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		for i := range lines {
			fmt.Fprintf(&buf, "{\"at\":%q,\"seq\":%d,\"v\":{\"ph\":7.1}}%*s\n", at.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i, 100, "")
			if buf.Len() > 1<<20 {
				_, _ = w.Write(buf.Bytes())
				buf.Reset()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
		_, _ = w.Write(buf.Bytes())
		_ = w.Close()
	}()
	a := h.post(t, h.device, "application/x-ndjson", "", r)
	if a.status != 200 || a.Stored != lines || a.Refused != 0 {
		t.Errorf("answer %+v, want %d stored", a, lines)
	}
	if peak > 256<<20 {
		t.Errorf("the heap grew to %d MiB", peak>>20)
	}
	t.Logf("heap peak %d MiB", peak>>20)
}
