package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plinth/api"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger/inspection"
)

// openDesk is a house with the doors of audits and drills; the work tells its progress and ends when finish is closed.
func openDesk(t *testing.T) (h *house, finish chan struct{}) {
	t.Helper()
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	finish = make(chan struct{})
	work := func(ctx context.Context, _ inspection.Job, _ string, tell func(inspection.Progress)) (inspection.Outcome, error) {
		tell(inspection.Progress{Stage: "tree", Done: 4, Total: 9})
		select {
		case <-ctx.Done():
			return inspection.Outcome{}, ctx.Err()
		case <-finish:
			return inspection.Outcome{Word: "untrusted", Report: json.RawMessage(`{"fault":{"object":"authz entry 37"}}`)}, nil
		}
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	desk, err := inspection.Open(t.Context(), inspection.Config{Store: postgres.NewInspections(db), Scratch: filepath.Join(t.TempDir(), "x"),
		Now: time.Now, Log: log, Works: map[inspection.Kind]inspection.Work{inspection.Audit: work, inspection.Drill: work}})
	if err != nil {
		t.Fatal(err)
	}
	inspectors := tokens{"auditor": readers["auditor"], "operator": people["operator"], "steward": people["steward"], "device": people["device"]}
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: log, Auth: inspectors, Services: []api.Service{api.NewEvidence(api.Evidence{Desk: desk, Now: time.Now})}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- s.Serve(ctx, l) }()
	go func() { done <- desk.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return &house{url: "http://" + l.Addr().String()}, finish
}

type jobAnswer struct {
	JobID, Kind, State, Stage, Done, Total, Word, Seed string
	Rounds                                             int
	Report                                             map[string]any
}

func (h *house) job(t *testing.T, who, method, path, body string) jobAnswer {
	t.Helper()
	a := h.call(t, who, method, path, body)
	var j jobAnswer
	if err := json.Unmarshal([]byte(a.body), &j); err != nil || a.status != 200 {
		t.Fatalf("%s %s as %s: %d %s", method, path, who, a.status, a.body)
	}
	return j
}

// awaitJob asks until the job is as wanted.
func (h *house) awaitJob(t *testing.T, who, id string, wanted func(jobAnswer) bool) jobAnswer {
	t.Helper()
	var j jobAnswer
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if j = h.job(t, who, "GET", "/v1/evidence/jobs/"+id, ""); wanted(j) {
			return j
		}
	}
	t.Fatalf("the job stays %+v", j)
	return j
}

func TestAuditorStartsAnAuditAndOperatorWatches(t *testing.T) {
	h, finish := openDesk(t)
	j := h.job(t, "auditor", "POST", "/v1/evidence/audits", `{}`)
	if j.Kind != "audit" || j.State != "running" {
		t.Errorf("started %+v", j)
	}
	h.awaitJob(t, "operator", j.JobID, func(j jobAnswer) bool { return j.Stage == "tree" && j.Done == "4" && j.Total == "9" })
	if a := h.call(t, "auditor", "POST", "/v1/evidence/drills", `{"rounds":3}`); a.status != 409 || !strings.Contains(a.Message, "running") {
		t.Errorf("a second one: %d %s", a.status, a.body)
	}
	close(finish)
	got := h.awaitJob(t, "operator", j.JobID, func(j jobAnswer) bool { return j.State == "done" })
	if fault, _ := got.Report["fault"].(map[string]any); got.Word != "untrusted" || fault["object"] != "authz entry 37" {
		t.Errorf("ended %+v", got)
	}
	if list := h.call(t, "operator", "GET", "/v1/evidence/jobs", ""); !strings.Contains(list.body, j.JobID) || strings.Contains(list.body, "authz entry 37") {
		t.Errorf("list: %s", list.body)
	}
}

func TestADrillCanBeCancelled(t *testing.T) {
	h, _ := openDesk(t)
	j := h.job(t, "auditor", "POST", "/v1/evidence/drills", `{"rounds":3,"seed":"7"}`)
	if j.Rounds != 3 || j.Seed != "7" {
		t.Errorf("started %+v", j)
	}
	h.awaitJob(t, "auditor", j.JobID, func(j jobAnswer) bool { return j.Stage != "" })
	h.job(t, "auditor", "POST", "/v1/evidence/jobs/"+j.JobID+":cancel", `{}`)
	if got := h.awaitJob(t, "auditor", j.JobID, func(j jobAnswer) bool { return j.State == "cancelled" }); got.Report != nil {
		t.Errorf("a cancelled one has a report: %+v", got)
	}
	if a := h.call(t, "auditor", "POST", "/v1/evidence/jobs/"+j.JobID+":cancel", `{}`); a.status != 409 {
		t.Errorf("cancelled twice: %d %s", a.status, a.body)
	}
}

func TestOthersNeitherStartNorWatch(t *testing.T) {
	h, _ := openDesk(t)
	for _, tt := range []struct {
		who, method, path, body string
		status                  int
		field                   string
	}{
		{"", "POST", "/v1/evidence/audits", "{}", 401, ""}, {"", "GET", "/v1/evidence/jobs", "", 401, ""},
		{"steward", "POST", "/v1/evidence/audits", "{}", 403, ""}, {"steward", "GET", "/v1/evidence/jobs", "", 403, ""},
		{"steward", "GET", "/v1/evidence/jobs/ij_1", "", 403, ""}, {"operator", "POST", "/v1/evidence/audits", "{}", 403, ""},
		{"operator", "POST", "/v1/evidence/drills", `{"rounds":1}`, 403, ""},
		{"operator", "POST", "/v1/evidence/jobs/ij_1:cancel", "{}", 403, ""},
		{"auditor", "GET", "/v1/evidence/jobs/ij_1", "", 404, ""}, {"auditor", "POST", "/v1/evidence/jobs/ij_1:cancel", "{}", 404, ""},
		{"auditor", "POST", "/v1/evidence/drills", `{}`, 400, "rounds"}, {"auditor", "POST", "/v1/evidence/drills", `{"rounds":-1}`, 400, "rounds"},
		{"auditor", "POST", "/v1/evidence/drills", `{"rounds":1,"seed":"-1"}`, 400, "seed"},
		{"auditor", "POST", "/v1/evidence/drills", `{"rounds":1,"depth":2}`, 400, "depth"},
		{"auditor", "GET", "/v1/evidence/jobs?page_size=-1", "", 400, "pageSize"},
		{"", "GET", "/v1/evidence/cases/request:rq_1", "", 401, ""}, {"device", "GET", "/v1/evidence/cases/request:rq_1", "", 403, ""},
		{"", "GET", "/v1/evidence/devices/lift-1/segments", "", 401, ""}, {"device", "GET", "/v1/evidence/devices/lift-1/segments", "", 403, ""},
		{"auditor", "GET", "/v1/evidence/devices/lift-1/segments", "", 400, "from"},
		{"auditor", "GET", "/v1/evidence/devices/lift-1/segments?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "", 400, "to"},
	} {
		a := h.call(t, tt.who, tt.method, tt.path, tt.body)
		if a.status != tt.status || a.Field != tt.field {
			t.Errorf("%s %s as %q: got %d, field %q, want %d, %q: %s", tt.method, tt.path, tt.who, a.status, a.Field, tt.status, tt.field, a.body)
		}
	}
}
