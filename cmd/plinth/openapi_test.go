package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// operation is one path and method of the OpenAPI document.
type operation struct {
	method, path string
	query        []string
	body         map[string]schema // its fields; nil without a body
}

// schema is what of a field's schema decides which values are wrong.
type schema struct {
	Type, Format string
	Ref          string `json:"$ref"`
	Properties   map[string]schema
}

// operations reads the document that the house serves.
func operations(t *testing.T, h *running) []operation {
	t.Helper()
	_, answer, err := h.call("", "GET", "/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Schema   schema
			}
		}
		Definitions map[string]schema
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		t.Fatal(err)
	}
	var all []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, o := range doc.Paths[path] {
			op := operation{method: strings.ToUpper(method), path: path}
			for _, p := range o.Parameters {
				switch p.In {
				case "query":
					op.query = append(op.query, p.Name)
				case "body":
					def := p.Schema
					if name, ok := strings.CutPrefix(def.Ref, "#/definitions/"); ok {
						def = doc.Definitions[name]
					}
					op.body = maps.Clone(def.Properties)
					if op.body == nil {
						op.body = map[string]schema{}
					}
				}
			}
			all = append(all, op)
		}
	}
	if len(all) < 40 {
		t.Fatalf("the document has only %d operations", len(all))
	}
	return all
}

// at returns the path with id in place of its parameters.
func (o operation) at(id string) string {
	path := o.path
	for {
		before, rest, ok := strings.Cut(path, "{")
		if !ok {
			return path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + url.PathEscape(id) + after
	}
}

// who may call the operation, as far as one account may.
func (o operation) who() string {
	for _, rule := range []struct{ prefix, login string }{
		{"/v1/accounts", "operator"}, {"/v1/devices", "operator"}, {"/v1/mappings", "operator"}, {"/v1/runs", "operator"},
		{"/v1/deadletters", "operator"}, {"/v1/alerts", "security"}, {"/v1/consumers", "security"}, {"/v1/queries", "analyst"},
		{"/v1/decisions", "analyst"}, {"/v1/grants", "provider"}, {"/v1/requests/", "provider"}, {"/v1/requests", "department"},
	} {
		if strings.HasPrefix(o.path, rule.prefix) {
			return rule.login
		}
	}
	return "steward"
}

// public are the operations that need no account.
var public = map[string]bool{"POST /v1/auth/signin": true, "GET /v1/openlists": true, "GET /v1/openlists/{number}": true,
	"GET /v1/evidence/roots": true}

// testStrangers calls everything under /v1 as nobody and with a token that is none.
func testStrangers(t *testing.T, h *running) {
	raw := []operation{{method: "POST", path: "/v1/imports"}, {method: "GET", path: "/v1/live"}, {method: "GET", path: "/metrics"},
		{method: "GET", path: "/v1/evidence/records/{id}/receipt"}}
	for _, op := range append(operations(t, h), raw...) {
		if public[op.method+" "+op.path] {
			continue
		}
		for _, token := range []string{"", "no-token", strings.Repeat("A", 43)} {
			var body []byte
			if op.method != "GET" {
				body = []byte("{}")
			}
			status, answer, err := h.call(token, op.method, op.at("x"), body)
			if err != nil || status != http.StatusUnauthorized {
				t.Errorf("%s %s with token %q: %d %.200s %v, want 401", op.method, op.path, token, status, answer, err)
			}
		}
	}
}
