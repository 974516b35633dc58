package api_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/api"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/fabric/network"
	"plinth/ledger/sequencer"
)

// archive is a house with the evidence doors on a real Fabric network.
type archive struct {
	house
	db *postgres.DB
}

var readers = tokens{
	"auditor":    {Account: "ac_auditor", Roles: []plinth.Role{plinth.RoleAuditor}},
	"civil":      {Account: "ac_civil", Department: "civil", Roles: []plinth.Role{plinth.RoleDepartment}},
	"department": {Account: "ac_department", Roles: []plinth.Role{plinth.RoleDepartment}},
	"operator":   {Account: "ac_operator", Roles: []plinth.Role{plinth.RoleOperator}},
}

func openArchive(t *testing.T) *archive {
	t.Helper()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.OpenVault(t.Context(), filepath.Join(t.TempDir(), "subjects.key")); err != nil {
		t.Fatal(err)
	}
	path := stacktest.Fabric(t)
	chain, err := fabric.Open(fabric.Config{Network: path, State: t.TempDir()}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chain.Close)
	net, err := network.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := net.Trust()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	logs, err := sequencer.Open(t.Context(), sequencer.Config{Dir: t.TempDir(), Trust: policy, MinFree: 1,
		Name: "test" + uuid.NewString() + ".plinth", SealEvery: 20 * time.Millisecond, AnchorEvery: 100 * time.Millisecond},
		postgres.NewLedger(db), chain, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{db: db}
	e := api.Evidence{Store: postgres.NewLedger(db), Sequencer: logs, Chain: chain, Channel: net.Channel, Roots: trust.Roots, Now: time.Now}
	a.serve(t, e, log)
	return a
}

// serve runs the sequencer and the server until the test ends.
func (a *archive) serve(t *testing.T, e api.Evidence, log *slog.Logger) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: log, Auth: readers, Services: []api.Service{api.NewEvidence(e)}, Routes: append(api.EvidenceRoutes(e), api.CaseRoutes(e)...)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- s.Serve(ctx, l) }()
	go func() { done <- e.Sequencer.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		e.Sequencer.Close()
	})
	a.url = "http://" + l.Addr().String()
}

// get calls as an account and wants the status.
func (a *archive) get(t *testing.T, who string, status int, path string) string {
	t.Helper()
	r := a.call(t, who, "GET", path, "")
	if r.status != status {
		t.Fatalf("GET %s as %q: got %d, want %d: %s", path, who, r.status, status, r.body)
	}
	return r.body
}

func (a *archive) write(t *testing.T, n int) []uuid.UUID {
	t.Helper()
	var ids []uuid.UUID
	for i := range n {
		r := ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "grant.created", Org: "databureau",
			Subject: fmt.Sprintf("grant:g_%d", i), From: time.Now(), To: time.Now(), Count: 1, Payload: []byte(`{"secret":"王小明"}`)}
		ids = append(ids, r.ID)
		if err := a.db.InTx(t.Context(), func(tx pgx.Tx) error { return a.db.AppendRecord(t.Context(), tx, r) }); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func (a *archive) awaitAnchored(t *testing.T, id uuid.UUID) {
	t.Helper()
	var body string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if body = a.get(t, "department", 200, "/v1/evidence/records/"+id.String()); strings.Contains(body, `"anchored"`) {
			return
		}
	}
	t.Fatalf("not anchored: %s\n%s", body, a.get(t, "auditor", 200, "/v1/evidence/chain"))
}

func TestAuditorProvesARecordWithoutTrustingUs(t *testing.T) {
	a := openArchive(t)
	ids := a.write(t, 5)
	for _, id := range ids {
		a.awaitAnchored(t, id)
	}
	trust, err := ledger.ParseTrust([]byte(a.get(t, "", 200, "/v1/evidence/roots")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := trust.Policy()
	if err != nil {
		t.Fatal(err)
	}
	p.At = time.Now()
	receipt := "/v1/evidence/records/" + ids[3].String() + "/receipt"
	file := []byte(a.get(t, "department", 200, receipt))
	v, err := ledger.Verify(file, p)
	if err != nil || v.Word != ledger.Proven || v.Entry.ID != ids[3] || len(v.Orgs) != 2 {
		t.Fatalf("got %s by %v, %v", v.Word, v.Orgs, err)
	}
	t.Logf("receipt has %d bytes, chain place %+v", len(file), v.Chain)
	for i := 0; i < len(file); i += 7 {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		if _, err := ledger.Verify(bad, p); err == nil {
			t.Fatalf("byte %d altered: accepted", i)
		}
	}
	file = []byte(a.get(t, "auditor", 200, receipt+"?disclose=payload"))
	if v, err := ledger.Verify(file, p); err != nil || v.Word != ledger.ProvenWithData {
		t.Errorf("with the payload: got %s, %v", v.Word, err)
	}
	a.get(t, "department", 403, receipt+"?disclose=payload")
	a.get(t, "auditor", 400, receipt+"?disclose=all")
	a.get(t, "", 401, receipt)
}

func TestRecordsAreListedWithoutPayload(t *testing.T) {
	a := openArchive(t)
	ids := a.write(t, 7)
	for _, id := range ids {
		a.awaitAnchored(t, id)
	}
	first := a.get(t, "auditor", 200, "/v1/evidence/records?page_size=5")
	if strings.Contains(first, "王小明") || !strings.Contains(first, ids[6].String()) || strings.Contains(first, ids[0].String()) {
		t.Errorf("first page: %s", first)
	}
	_, token, _ := strings.Cut(first, `"nextPageToken":"`)
	token, _, _ = strings.Cut(token, `"`)
	if second := a.get(t, "auditor", 200, "/v1/evidence/records?page_size=5&page_token="+token); !strings.Contains(second, ids[0].String()) {
		t.Errorf("second page: %s", second)
	}
	for query, status := range map[string]int{
		"origin=authz&state=anchored&kind=grant.created": 200, "origin=x": 400, "state=x": 400, "page_token=junk": 400,
		"kind=" + strings.Repeat("k", 99): 400, "subject=%27%3B--": 200, "page_size=-1": 400,
		"org=" + strings.Repeat("o", 99): 400, "case_id=" + strings.Repeat("c", 99): 400, "code=short": 400, "from=yesterday": 400,
		"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": 400, "code=0000-0000-0000-0000": 200,
	} {
		a.get(t, "auditor", status, "/v1/evidence/records?"+query)
	}
	code := ledger.ShortCode(ids[2])
	for query, total := range map[string]int{
		"subject=grant:g_2": 1, "org=databureau": 7, "org=elsewhere": 0, "case_id=request:rq_1": 0, "from=2020-01-01T00:00:00Z": 7,
		"to=2020-01-01T00:00:00Z": 0, "code=" + code: 1, "code=" + strings.ToLower(strings.ReplaceAll(code, "-", "")): 1,
		"code=0000000000000000": 0, "code=" + code + "&org=elsewhere": 0,
	} {
		body := a.get(t, "auditor", 200, "/v1/evidence/records?"+query)
		if !strings.Contains(body, fmt.Sprintf(`"totalSize":"%d"`, total)) || strings.Contains(body, code) != (total > 0) {
			t.Errorf("%s: %s", query, body)
		}
	}
	a.get(t, "department", 403, "/v1/evidence/records")
	a.get(t, "auditor", 400, "/v1/evidence/records/x")
	a.get(t, "auditor", 404, "/v1/evidence/records/"+uuid.NewString())
	a.get(t, "auditor", 404, "/v1/evidence/records/"+uuid.NewString()+"/receipt")
	chain := a.get(t, "department", 200, "/v1/evidence/chain")
	for _, want := range []string{`"anchoredSize":"7"`, `"headSize":"7"`, `"lagRecords":"0"`, `"lagSeconds":0`, `"error":""`, `"sealError":""`, `"anchors":[{"size":"7"`} {
		if !strings.Contains(chain, want) {
			t.Errorf("chain has no %s: %s", want, chain)
		}
	}
}

// TestStrangerReadsTheLogByTiles computes a proof from public files alone.
func TestStrangerReadsTheLogByTiles(t *testing.T) {
	a := openArchive(t)
	a.get(t, "", 404, "/tlog/authz/checkpoint")
	ids := a.write(t, 3)
	a.awaitAnchored(t, ids[2])
	trust, err := ledger.ParseTrust([]byte(a.get(t, "", 200, "/v1/evidence/roots")))
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewVerifier(trust.LogKeys[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := ledger.OpenCheckpoint([]byte(a.get(t, "", 200, "/tlog/authz/checkpoint")), key)
	if err != nil || c.Size != 3 {
		t.Fatalf("checkpoint: %v, %v", c, err)
	}
	tile := []byte(a.get(t, "", 200, "/tlog/authz/tile/0/000.p/3"))
	bundle := []byte(a.get(t, "", 200, "/tlog/authz/tile/entries/000.p/3"))
	var leaves []tlog.Hash
	for i := 0; len(bundle) > 0; i++ {
		n := int(bundle[0])<<8 | int(bundle[1])
		leaves, bundle = append(leaves, ledger.Leaf(bundle[2:2+n])), bundle[2+n:]
		if !bytes.Equal(leaves[i][:], tile[32*i:32*i+32]) {
			t.Errorf("entry %d is not what the tile says", i)
		}
	}
	if root := tlog.NodeHash(tlog.NodeHash(leaves[0], leaves[1]), leaves[2]); root != c.Root {
		t.Error("the entries do not give the checkpoint's root")
	}
	for _, path := range []string{"0/000", "0/000.p/4", "0/001.p/1", "9/000.p/1", "data/000.p/3", "entries/x001/000", "0/0", "x", "0/000.p/03"} {
		a.get(t, "", 404, "/tlog/authz/tile/"+path)
	}
	a.get(t, "", 404, "/tlog/other/checkpoint")
	if r, err := http.Post(a.url+"/tlog/authz/checkpoint", "text/plain", nil); err != nil || r.StatusCode < 400 {
		t.Errorf("POST: %v, %v", r, err)
	}
}
