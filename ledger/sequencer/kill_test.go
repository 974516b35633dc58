package sequencer_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
)

// What a child of the kill test is told by its environment.
const (
	killDir      = "PLINTH_KILL_DIR"      // the house's folder, with roots.json and the chain's socket in it
	killPostgres = "PLINTH_KILL_POSTGRES" // its database
	killStep     = "PLINTH_KILL_STEP"     // where it kills itself
	killRounds   = "PLINTH_KILL_ROUNDS"   // of the test: how often each step; default 1
)

// killSteps are all the places at which a service can die between a record and its receipt, in their order, and the
// invariants of the design (crash safety, I1 to I8) that each could break.
var killSteps = []struct{ step, invariants string }{
	{"entries torn", "I1"}, {"entries", "I1"}, {"offsets torn", "I1"}, {"offsets", "I1"}, {"hashes torn", "I1"},
	{"hashes", "I1"}, {"hashes-sm3 torn", "I1"}, {"hashes-sm3", "I1"}, {"synced", "I3"}, {"reread", "I3"},
	{"checkpoint written", "I3"}, {"checkpoint renamed", "I2, I3"}, {"checkpoint-sm3 written", "I3"},
	{"checkpoint-sm3 renamed", "I2, I3"}, {"end", "I2"}, {"projecting", "I2, I8"}, {"projected", "I8"},
	{"submitting", "I4"}, {"anchoring", "I5"}, {"submitted", "I5"}, {"attested", "I7"}, {"kept", "I7"},
}

// TestKilledAtEveryStepKeepsTheInvariants kills a real process with SIGKILL at every step, one after the other on one
// house, and looks each time at what it left. At the end every record has exactly one place and one proven receipt.
func TestKilledAtEveryStepKeepsTheInvariants(t *testing.T) {
	url := stacktest.Postgres(t)
	h := newHouseAt(t, url)
	h.twin = true
	ids := h.write(3)
	_, stop := h.run()
	h.wait("anchored", ids...)
	stop()
	server := h.serveChain()
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv(killRounds)); err == nil {
		rounds = n
	}
	for range rounds {
		for _, k := range killSteps {
			n := 5
			if strings.HasPrefix(k.step, "offsets") {
				n = 256 // a bundle begins
			}
			ids = append(ids, h.write(n)...)
			h.kill(server, url, k.step)
			h.checkLeft(k.step, k.invariants)
		}
	}
	s, _ := h.run()
	h.wait("anchored", ids...)
	h.verify(s, ids)
	l, err := s.Log(ledger.Authz)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := l.Checkpoint(); c.Size != int64(len(ids)) {
		t.Errorf("%d records have %d entries", len(ids), c.Size)
	}
}

// kill runs a child that dies at a step, and waits until it has.
func (h *house) kill(server *chainServer, url, step string) {
	h.t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killDir+"="+h.dir, killPostgres+"="+url, killStep+"="+step)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		h.t.Fatal(err)
	}
	if step == "anchoring" { // the transaction is committed, and nobody is there to hear it
		server.afterAnchor(func() { child.Process.Kill() })
	}
	timer := time.AfterFunc(time.Minute, func() { child.Process.Signal(syscall.SIGTERM) })
	defer timer.Stop()
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		h.t.Fatalf("the child never came to %q: %v", step, err)
	}
}

// checkLeft looks at what a dead process left, before another one starts.
func (h *house) checkLeft(step, invariants string) {
	h.t.Helper()
	fail := func(format string, args ...any) {
		h.t.Helper()
		h.t.Errorf("killed at %q (%s): %s", step, invariants, fmt.Sprintf(format, args...))
	}
	var projected, anchored int64
	if err := h.db.QueryRow(h.t.Context(), `SELECT count(*), coalesce((SELECT max(size) FROM ledger_checkpoint WHERE origin = 'authz'), 0)
		FROM ledger_entry WHERE origin = 'authz'`).Scan(&projected, &anchored); err != nil {
		h.t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(h.dir, "authz", "checkpoint"))
	if err != nil {
		h.t.Fatal(err)
	}
	signed, err := strconv.ParseInt(strings.Split(string(b), "\n")[1], 10, 64)
	if err != nil {
		h.t.Fatal(err)
	}
	if projected > signed {
		fail("the database shows %d entries, the log has signed %d", projected, signed) // I1, I8
	}
	head, _, err := h.chain.Head(h.t.Context(), origin)
	if err != nil || head > signed {
		fail("the chain has size %d, the log has signed %d, %v", head, signed, err) // I3, I4
	}
	if anchored > head {
		fail("receipts are released up to %d, the chain has %d", anchored, head) // I7
	}
}

// runToBeKilled is the child: the sequencer against the parent's database and chain.
func runToBeKilled() {
	ctx := context.Background()
	dir, at := os.Getenv(killDir), os.Getenv(killStep)
	db := must(postgres.Open(ctx, os.Getenv(killPostgres)))
	if err := db.OpenVault(ctx, filepath.Join(dir, "subjects.key")); err != nil {
		panic(err)
	}
	policy := must(must(ledger.ParseTrust(must(os.ReadFile(filepath.Join(dir, "roots.json"))))).Policy())
	policy.At = when
	chain := &remoteChain{client: must(rpc.Dial("unix", filepath.Join(dir, "chain")))}
	s := must(sequencer.Open(ctx, sequencer.Config{Dir: dir, Name: "putuo.plinth", Trust: policy, MinFree: 1, Twin: true,
		SealEvery: 5 * time.Millisecond, AnchorEvery: 10 * time.Millisecond, StepEvery: time.Hour},
		postgres.NewLedger(db), chain, func() time.Time { return when }, slog.New(slog.NewTextHandler(os.Stderr,
			&slog.HandlerOptions{Level: slog.LevelWarn}))))
	die := func(step string) error {
		if step == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	must(s.Log(ledger.Authz)).SetFault(die)
	s.SetFault(die)
	if err := s.Run(ctx); err != nil {
		panic(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// ChainCall and ChainAnswer carry the calls of sequencer.Chain between child and parent.
type ChainCall struct {
	Method, Origin, VKey string
	Size                 int64
	Submission           sequencer.Submission
}

type ChainAnswer struct {
	Refused     string // plinth.ErrConflict, when not empty
	Failed      string // any other error
	Size        int64
	Root        tlog.Hash
	Anchored    sequencer.Anchored
	Attestation ledger.Attestation
	Keys        []ledger.LogKey
}

// chainServer is the parent's chain, which outlives its callers.
type chainServer struct {
	chain  *ledgertest.Chain
	anchor chan func() // what to do after the next anchor, before it is answered
}

func (c *chainServer) afterAnchor(fn func()) { c.anchor <- fn }

// serveChain puts the chain's socket and the roots into the house's folder.
func (h *house) serveChain() *chainServer {
	h.t.Helper()
	c := &chainServer{chain: h.chain, anchor: make(chan func(), 1)}
	server := rpc.NewServer()
	if err := server.RegisterName("Chain", &chainDoor{c}); err != nil {
		h.t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(h.dir, "chain"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { l.Close() })
	go server.Accept(l)
	if err := os.WriteFile(filepath.Join(h.dir, "roots.json"), rootsFile(h.t, h.chain.Orgs), 0o644); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// rootsFile is the organisations' roots as an auditor's file has them.
func rootsFile(t testing.TB, orgs []*ledgertest.Org) []byte {
	t.Helper()
	var trust ledger.Trust
	for _, o := range orgs {
		trust.Roots = append(trust.Roots, ledger.TrustedRoot{MSP: o.MSP,
			PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Root.Raw}))})
	}
	b, err := json.Marshal(trust)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type chainDoor struct{ server *chainServer }

// Do answers one call.
func (d *chainDoor) Do(call ChainCall, out *ChainAnswer) (err error) {
	c, ctx := d.server.chain, context.Background()
	switch call.Method {
	case "RegisterLog":
		err = c.RegisterLog(ctx, call.Origin, call.VKey)
	case "Head":
		out.Size, out.Root, err = c.Head(ctx, call.Origin)
	case "Anchor":
		out.Anchored, err = c.Anchor(ctx, call.Origin, call.Submission)
		select {
		case fn := <-d.server.anchor:
			fn()
		default:
		}
	case "Attest":
		out.Attestation, err = c.Attest(ctx, call.Origin, call.Size)
	case "LogKeys":
		out.Keys, err = c.LogKeys(ctx, call.Origin)
	}
	if errors.Is(err, plinth.ErrConflict) {
		out.Refused = err.Error()
	} else if err != nil {
		out.Failed = err.Error()
	}
	return nil
}

// remoteChain is the child's view of the parent's chain. Of the methods it has those that its records need.
type remoteChain struct {
	sequencer.Chain
	client *rpc.Client
}

func (c *remoteChain) do(call ChainCall) (out ChainAnswer, err error) {
	if err = c.client.Call("Chain.Do", call, &out); err != nil {
		return out, plinth.Errorf(plinth.ErrUnavailable, "%w", err)
	}
	if out.Refused != "" {
		return out, plinth.Errorf(plinth.ErrConflict, "%s", out.Refused)
	}
	if out.Failed != "" {
		return out, plinth.Errorf(plinth.ErrUnavailable, "%s", out.Failed)
	}
	return out, nil
}

func (c *remoteChain) RegisterLog(_ context.Context, origin, vkey string) error {
	_, err := c.do(ChainCall{Method: "RegisterLog", Origin: origin, VKey: vkey})
	return err
}

func (c *remoteChain) Head(_ context.Context, origin string) (int64, tlog.Hash, error) {
	out, err := c.do(ChainCall{Method: "Head", Origin: origin})
	return out.Size, out.Root, err
}

func (c *remoteChain) Anchor(_ context.Context, origin string, s sequencer.Submission) (sequencer.Anchored, error) {
	out, err := c.do(ChainCall{Method: "Anchor", Origin: origin, Submission: s})
	return out.Anchored, err
}

func (c *remoteChain) Attest(_ context.Context, origin string, size int64) (ledger.Attestation, error) {
	out, err := c.do(ChainCall{Method: "Attest", Origin: origin, Size: size})
	return out.Attestation, err
}

func (c *remoteChain) LogKeys(_ context.Context, origin string) ([]ledger.LogKey, error) {
	out, err := c.do(ChainCall{Method: "LogKeys", Origin: origin})
	return out.Keys, err
}
