package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"plinth"
	"plinth/api"
	pb "plinth/api/plinth/v1"
)

// tokens knows callers by a bare word.
type tokens map[string]plinth.Principal

func (t tokens) Authenticate(_ context.Context, bearer string) (plinth.Principal, error) {
	if p, ok := t[bearer]; ok {
		return p, nil
	}
	return plinth.Principal{}, plinth.Errorf(plinth.ErrUnknown, "sign in first")
}

var people = tokens{
	"operator": {Account: "ac_operator", Roles: []plinth.Role{plinth.RoleOperator}},
	"steward":  {Account: "ac_steward", Roles: []plinth.Role{plinth.RoleSteward}},
	"device":   {Account: "ac_device", Device: "lift-0001", Roles: []plinth.Role{plinth.RoleDevice}},
}

// catalogue is a service whose writes count, and whose answers tests choose.
type catalogue struct {
	pb.UnimplementedCatalogServiceServer
	mu    sync.Mutex
	calls int
	err   error
	boom  bool
}

func (c *catalogue) CreateDataset(_ context.Context, r *pb.CreateDatasetRequest) (*pb.Dataset, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.boom {
		panic("boom")
	}
	if c.err != nil {
		return nil, c.err
	}
	return r.GetDataset(), nil
}

func (c *catalogue) ListDatasets(ctx context.Context, r *pb.ListDatasetsRequest) (*pb.ListDatasetsResponse, error) {
	return &pb.ListDatasetsResponse{NextPageToken: string(plinth.PrincipalFrom(ctx).Account)}, nil
}

func (c *catalogue) ListOpenLists(context.Context, *pb.ListOpenListsRequest) (*pb.ListOpenListsResponse, error) {
	return &pb.ListOpenListsResponse{}, nil
}

// keys is a store of idempotency keys in memory.
type keys struct {
	mu  sync.Mutex
	all map[string]*kept
}

type kept struct {
	method string
	body   [32]byte
	done   bool
	answer []byte
}

func (k *keys) Claim(_ context.Context, account plinth.AccountID, key, method string, body [32]byte) ([]byte, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	have, ok := k.all[string(account)+" "+key]
	switch {
	case !ok:
		k.all[string(account)+" "+key] = &kept{method: method, body: body}
		return nil, true, nil
	case have.method != method || have.body != body:
		return nil, false, plinth.Errorf(plinth.ErrConflict, "the key was used for another call")
	case !have.done:
		return nil, false, plinth.Errorf(plinth.ErrConflict, "the first call is still running")
	}
	return have.answer, false, nil
}

func (k *keys) Keep(_ context.Context, account plinth.AccountID, key string, answer []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	have := k.all[string(account)+" "+key]
	have.done, have.answer = true, answer
	return nil
}

func (k *keys) Release(_ context.Context, account plinth.AccountID, key string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.all, string(account)+" "+key)
	return nil
}

type house struct {
	url string
	cat *catalogue
	log *bytes.Buffer
}

// open starts a server on loopback and stops it with the test.
func open(t testing.TB) *house {
	t.Helper()
	h := &house{cat: &catalogue{}, log: &bytes.Buffer{}}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			api.WriteError(w, r, err)
			return
		}
		w.Write(append([]byte(plinth.PrincipalFrom(r.Context()).Account+":"), b...))
	})
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{
		Log:      slog.New(slog.NewJSONHandler(&locked{w: h.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:      time.Now,
		Auth:     people,
		Keys:     &keys{all: map[string]*kept{}},
		Registry: prometheus.NewRegistry(),
		Console: fstest.MapFS{"index.html": {Data: []byte("<html>console")}, "assets/a.js": {Data: []byte("1")},
			"openlist/index.html": {Data: []byte("x")}},
		Services: []api.Service{{
			Register: func(r grpc.ServiceRegistrar) { pb.RegisterCatalogServiceServer(r, h.cat) },
			Gateway:  pb.RegisterCatalogServiceHandler,
		}},
		Routes: []api.Route{
			{Method: "POST", Pattern: "/v1/raw", Roles: []plinth.Role{plinth.RoleOperator}, MaxBody: 10, Handler: echo},
			{Method: "GET", Pattern: "/open/{file}", Public: true, Handler: echo},
			{Method: "GET", Pattern: "/v1/panic", Public: true, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })},
		},
	})
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
			t.Errorf("serve: %v", err)
		}
	})
	h.url = "http://" + l.Addr().String()
	return h
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

type answer struct {
	http.Header
	status                          int
	body                            string
	Code, Message, Field, RequestID string
}

// call sends one request; headers come in pairs.
func (h *house) call(t *testing.T, who, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Header: res.Header, status: res.StatusCode, body: string(b)}
	if res.StatusCode >= 400 {
		_ = json.Unmarshal(b, &a) // not every refusal is JSON, e.g. the console's
	}
	return a
}

func TestEveryRefusalHasItsCodeFieldAndRequestID(t *testing.T) {
	h := open(t)
	big := `{"title":{"zh":"` + strings.Repeat("水", 2<<20) + `"}}`
	tests := []struct {
		name, who, method, path, body string
		status                        int
		code, field                   string
	}{
		{"nobody", "", "GET", "/v1/datasets", "", 401, "unauthenticated", ""},
		{"wrong token", "x", "GET", "/v1/datasets", "", 401, "unauthenticated", ""},
		{"wrong role", "device", "POST", "/v1/datasets", "{}", 403, "denied", ""},
		{"raw route, nobody", "", "POST", "/v1/raw", "", 401, "unauthenticated", ""},
		{"raw route, wrong role", "steward", "POST", "/v1/raw", "", 403, "denied", ""},
		{"unknown field", "steward", "POST", "/v1/datasets", `{"fields":[{},{"colour":1}]}`, 400, "invalid", "fields[1].colour"},
		{"duplicate key", "steward", "POST", "/v1/datasets", `{"title":{"zh":"a","zh":"b"}}`, 400, "invalid", "title.zh"},
		{"two spellings of one field", "steward", "POST", "/v1/datasets", `{"publisherName":"a","publisher_name":"b"}`, 400, "invalid", "publisher_name"},
		{"wrong type", "steward", "POST", "/v1/datasets", `{"revision":"many"}`, 400, "invalid", "revision"},
		{"half a body", "steward", "POST", "/v1/datasets", `{"title":`, 400, "invalid", "title"},
		{"two values", "steward", "POST", "/v1/datasets", `{} {}`, 400, "invalid", ""},
		{"invalid UTF-8", "steward", "POST", "/v1/datasets", "{\"code\":\"\xff\"}", 400, "invalid", ""},
		{"NUL", "steward", "POST", "/v1/datasets", `{"title":{"zh":"a\u0000"}}`, 400, "invalid", "dataset.title.zh"},
		{"deep", "steward", "POST", "/v1/datasets", `{"title":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 400, "invalid", "*"},
		{"too large", "steward", "POST", "/v1/datasets", big, 413, "too_large", ""},
		{"raw route too large", "operator", "POST", "/v1/raw", "12345678901", 413, "too_large", ""},
		{"unknown parameter", "steward", "GET", "/v1/datasets?colour=red", "", 400, "invalid", "colour"},
		{"parameter of wrong type", "steward", "GET", "/v1/datasets?page_size=many", "", 400, "invalid", "page_size"},
		{"parameter twice", "steward", "GET", "/v1/datasets?state=a&state=b", "", 400, "invalid", "state"},
		{"invalid UTF-8 in a parameter", "steward", "GET", "/v1/datasets?query=%ff", "", 400, "invalid", "query"},
		{"invalid UTF-8 in the path", "steward", "GET", "/v1/datasets/%ff", "", 400, "invalid", "path"},
		{"NUL in a parameter", "steward", "GET", "/v1/datasets?query=%00", "", 400, "invalid", "query"},
		{"no such address", "steward", "GET", "/v1/nothing", "", 404, "not_found", ""},
		{"no such method", "steward", "DELETE", "/v1/datasets", "", 405, "unimplemented", ""},
		{"not built yet", "steward", "GET", "/v1/agents", "", 501, "unimplemented", ""},
		{"panic in a route", "", "GET", "/v1/panic", "", 500, "internal", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := h.call(t, tt.who, tt.method, tt.path, tt.body, "X-Request-Id", "test-1")
			if a.status != tt.status || a.Code != tt.code || (tt.field != "*" && a.Field != tt.field) {
				t.Errorf("got %d %q field %q, want %d %q %q\n%s", a.status, a.Code, a.Field, tt.status, tt.code, tt.field, a.body)
			}
			if a.RequestID != "test-1" || a.Get("X-Request-Id") != "test-1" {
				t.Errorf("request id is %q in the body, %q in the header", a.RequestID, a.Get("X-Request-Id"))
			}
			if a.Message == "" || strings.ContainsAny(a.Message, "\x1e\x1f") {
				t.Errorf("message is %q", a.Message)
			}
		})
	}
}

func TestUnknownErrorsAndPanicsStayInside(t *testing.T) {
	h := open(t)
	h.cat.err = io.ErrClosedPipe
	a := h.call(t, "steward", "POST", "/v1/datasets", `{}`)
	if a.status != 500 || a.Message != "internal error" {
		t.Errorf("got %d %q", a.status, a.Message)
	}
	h.cat.err, h.cat.boom = nil, true
	a = h.call(t, "steward", "POST", "/v1/datasets", `{}`)
	if a.status != 500 || a.Message != "internal error" {
		t.Errorf("got %d %q", a.status, a.Message)
	}
	if log := h.log.String(); !strings.Contains(log, "closed pipe") || !strings.Contains(log, "panic: boom") {
		t.Errorf("log does not name the causes: %s", log)
	}
}

func TestLogHoldsNoTokenAndNoPayload(t *testing.T) {
	h := open(t)
	h.call(t, "steward", "POST", "/v1/datasets", `{"code":"payload-in-log"}`)
	if log := h.log.String(); strings.Contains(log, "payload-in-log") || strings.Contains(log, "Bearer") {
		t.Errorf("log: %s", log)
	}
}

func TestGRPCAndRESTPassTheSameGates(t *testing.T) {
	h := open(t)
	conn, err := grpc.NewClient(strings.TrimPrefix(h.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := pb.NewCatalogServiceClient(conn)
	if _, err := client.ListDatasets(t.Context(), &pb.ListDatasetsRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer steward")
	var header metadata.MD
	got, err := client.ListDatasets(ctx, &pb.ListDatasetsRequest{}, grpc.Header(&header))
	if err != nil || got.GetNextPageToken() != "ac_steward" || len(header.Get("x-request-id")) != 1 {
		t.Errorf("got %v, %v, header %v", got, err, header)
	}
	if _, err := client.ListOpenLists(t.Context(), &pb.ListOpenListsRequest{}); err != nil {
		t.Errorf("public: %v", err)
	}
}

func TestIdempotencyKeyAnswersTheSameOnce(t *testing.T) {
	h := open(t)
	first := h.call(t, "steward", "POST", "/v1/datasets", `{"theme":"a"}`, "Idempotency-Key", "k1")
	again := h.call(t, "steward", "POST", "/v1/datasets", `{"theme":"a"}`, "Idempotency-Key", "k1")
	if first.status != 200 || again.body != first.body || again.Get("Idempotency-Replayed") != "true" || h.cat.calls != 1 {
		t.Errorf("first %d %s, again %s, %d calls", first.status, first.body, again.body, h.cat.calls)
	}
	other := h.call(t, "steward", "POST", "/v1/datasets", `{"theme":"b"}`, "Idempotency-Key", "k1")
	if other.status != 409 {
		t.Errorf("same key, other body: %d %s", other.status, other.body)
	}
	h.cat.err = plinth.Invalid("theme", "is unknown")
	h.call(t, "steward", "POST", "/v1/datasets", `{"theme":"c"}`, "Idempotency-Key", "k2")
	h.cat.err = nil
	if a := h.call(t, "steward", "POST", "/v1/datasets", `{"theme":"c"}`, "Idempotency-Key", "k2"); a.status != 200 {
		t.Errorf("after a clean failure: %d %s", a.status, a.body)
	}
	if a := h.call(t, "steward", "POST", "/v1/datasets", `{}`, "Idempotency-Key", "käse"); a.Field != "Idempotency-Key" {
		t.Errorf("bad key: %d %s", a.status, a.body)
	}
}

func TestPublicPagesAndConsole(t *testing.T) {
	h := open(t)
	for path, want := range map[string]string{"/healthz": "ok", "/": "console", "/catalog/ds_1": "console",
		"/open/1.csv": ":", "/openapi.json": `"swagger"`, "/assets/a.js": "1"} {
		a := h.call(t, "", "GET", path, "")
		if a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %.80s", path, a.status, a.body)
		}
		csp := a.Get("Content-Security-Policy")
		if !strings.Contains(csp, "script-src 'self' 'wasm-unsafe-eval'") || strings.Contains(csp, "'unsafe-eval'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	if a := h.call(t, "", "GET", "/assets/missing.js", ""); a.status != 404 {
		t.Errorf("missing file: %d", a.status)
	}
	if a := h.call(t, "operator", "GET", "/metrics", ""); a.status != 200 || !strings.Contains(a.body, "plinth_api_calls_total") {
		t.Errorf("metrics: %d %.80s", a.status, a.body)
	}
	if a := h.call(t, "", "GET", "/metrics", ""); a.status != 401 {
		t.Errorf("metrics for nobody: %d", a.status)
	}
}
