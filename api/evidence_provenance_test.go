package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/api"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// shelf holds two records, the second made from the first.
type shelf struct{}

var first, second = uuid.UUID{15: 1}, uuid.UUID{15: 2}

func (shelf) record(id uuid.UUID, kind, subject, org string, inputs ...uuid.UUID) ledger.Record {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	return ledger.Record{ID: id, Kind: kind, Subject: subject, Org: org, From: at, To: at, Count: 1, Relation: ledger.Derived, Inputs: inputs}
}

func (s shelf) About(_ context.Context, subject string, _ int) ([]ledger.Record, error) {
	if subject != "dataset:ds_1" {
		return nil, nil
	}
	return []ledger.Record{s.record(first, "registration.registered", subject, "databureau")}, nil
}

func (s shelf) Linked(_ context.Context, ids []uuid.UUID, _ int) ([]ledger.Record, error) {
	if len(ids) > 1 {
		return nil, nil
	}
	return []ledger.Record{s.record(second, "request.created", "request:rq_1", "civil", first)}, nil
}

func TestProvenanceIsServedInBothForms(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: slog.New(slog.DiscardHandler), Auth: tokens{
		"auditor": {Account: "ac_auditor", Roles: []plinth.Role{plinth.RoleAuditor}},
		"analyst": {Account: "ac_analyst", Roles: []plinth.Role{plinth.RoleAnalyst}},
	}, Routes: api.ProvenanceRoutes(sequencer.Provenance{Store: shelf{}})})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-done })
	h := &house{url: "http://" + l.Addr().String()}
	const path = "/v1/evidence/provenance?subject="
	var doc map[string]map[string]any
	got := h.call(t, "auditor", "GET", path+"dataset:ds_1", "")
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil || got.status != 200 || len(doc["wasDerivedFrom"]) != 1 {
		t.Errorf("%d %s, %v", got.status, got.body, err)
	}
	if got.Header.Get("Plinth-Provenance-Cut") != "false" {
		t.Errorf("cut: %q", got.Header.Get("Plinth-Provenance-Cut"))
	}
	got = h.call(t, "auditor", "GET", path+"dataset:ds_1&form=openlineage&depth=1", "")
	if got.status != 200 || !strings.Contains(got.body, `"plinth_receipt"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	for query, field := range map[string]string{"": "subject", "dataset:ds_1&depth=9": "depth", "dataset:ds_1&depth=x": "depth", "dataset:ds_1&form=xml": "form"} {
		if got := h.call(t, "auditor", "GET", path+query, ""); got.status != 400 || got.Field != field {
			t.Errorf("%s: %d, field %q: %s", query, got.status, got.Field, got.body)
		}
	}
	for who, status := range map[string]int{"analyst": 403, "": 401} {
		if got := h.call(t, who, "GET", path+"dataset:ds_1", ""); got.status != status {
			t.Errorf("%q: got %d, want %d", who, got.status, status)
		}
	}
	if got := h.call(t, "auditor", "GET", path+"dataset:ds_2", ""); got.status != 404 {
		t.Errorf("nothing known: %d", got.status)
	}
}
