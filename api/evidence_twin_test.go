package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plinth/api"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// emptyStore is a sequencer's store in which nothing was ever kept.
type emptyStore struct{ sequencer.Store }

func (emptyStore) Projected(context.Context, ledger.Origin) (c ledger.Checkpoint, err error) {
	return c, nil
}
func (emptyStore) Newest(context.Context, ledger.Origin) (a sequencer.Anchor, err error) {
	return a, nil
}

// publicFiles serves the public files of logs of three entries to strangers.
func publicFiles(t *testing.T, twins bool) (http.Handler, *sequencer.Sequencer) {
	t.Helper()
	chain := ledgertest.NewChain()
	s, err := sequencer.Open(t.Context(), sequencer.Config{Dir: t.TempDir(), Name: "test.plinth", Trust: ledgertest.Policy(chain.Orgs...),
		MinFree: 1, Twin: twins}, emptyStore{}, chain, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l, err := s.Log(ledger.Authz)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append([][]byte{[]byte("a"), []byte("b"), []byte("c")}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range api.EvidenceRoutes(api.Evidence{Sequencer: s}) {
		if r.Public {
			mux.Handle(r.Method+" "+r.Pattern, r.Handler)
		}
	}
	return mux, s
}

func ask(h http.Handler, path string) (int, []byte) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.Bytes()
}

// TestStrangerReadsTheTwinByTiles computes the twin's root from public files alone.
func TestStrangerReadsTheTwinByTiles(t *testing.T) {
	h, s := publicFiles(t, true)
	var vkey string
	for _, k := range s.LogKeys() {
		if strings.HasPrefix(k, "test.plinth/authz"+twin.Suffix+"+") {
			vkey = k
		}
	}
	key, err := twin.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	_, signed := ask(h, "/tlog/authz/sm3/checkpoint")
	c, err := ledger.OpenCheckpoint(signed, key)
	if err != nil || c.Size != 3 {
		t.Fatalf("checkpoint: %v, %v", c, err)
	}
	_, tile := ask(h, "/tlog/authz/sm3/tile/0/000.p/3")
	_, bundle := ask(h, "/tlog/authz/sm3/tile/entries/000.p/3")
	var leaves []twin.Hash
	for i := 0; len(bundle) > 0; i++ {
		n := int(bundle[0])<<8 | int(bundle[1])
		leaves, bundle = append(leaves, twin.Leaf(bundle[2:2+n])), bundle[2+n:]
		if len(tile) != 96 || twin.Hash(tile[32*i:32*i+32]) != leaves[i] {
			t.Errorf("entry %d is not what the tile says", i)
		}
	}
	if len(leaves) != 3 || twin.Node(twin.Node(leaves[0], leaves[1]), leaves[2]) != twin.Hash(c.Root) {
		t.Error("the entries do not give the twin's root")
	}
	for _, path := range []string{"0/000", "0/000.p/4", "9/000.p/1", "data/000.p/3", "x"} {
		if code, b := ask(h, "/tlog/authz/sm3/tile/"+path); code != 404 {
			t.Errorf("%s: %d, %s", path, code, b)
		}
	}
	if code, _ := ask(h, "/tlog/device/sm3/checkpoint"); code != 404 {
		t.Errorf("the twin of an empty log: %d", code)
	}
}

func TestLogWithoutTwinServesNone(t *testing.T) {
	h, _ := publicFiles(t, false)
	for _, file := range []string{"checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"} {
		if code, b := ask(h, fmt.Sprintf("/tlog/authz/sm3/%s", file)); code != 404 {
			t.Errorf("%s: %d, %s", file, code, b)
		}
		if code, b := ask(h, fmt.Sprintf("/tlog/authz/%s", file)); code != 200 {
			t.Errorf("the log's %s: %d, %s", file, code, b)
		}
	}
}
