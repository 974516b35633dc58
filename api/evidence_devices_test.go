package api_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/api"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/ledger"
	"plinth/ledger/ledgertest"
	"plinth/ledger/sequencer"
	"plinth/pipelines"
	"plinth/sensors"
)

var deviceReaders = tokens{
	"auditor":  {Account: "ac_auditor", Roles: []plinth.Role{plinth.RoleAuditor}},
	"operator": {Account: "ac_operator", Roles: []plinth.Role{plinth.RoleOperator}},
	"owner":    {Account: "ac_owner", Department: "environment", Roles: []plinth.Role{plinth.RoleDepartment}},
	"other":    {Account: "ac_other", Department: "market", Roles: []plinth.Role{plinth.RoleDepartment}},
}

// stored are the readings of one minute.
type stored []ledger.Reading

func (s stored) Readings(context.Context, string, time.Time, time.Time) ([]ledger.Reading, error) {
	return s, nil
}

var minute = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// deviceHouse serves the evidence of the device wq-7, which has one sealed minute.
func deviceHouse(t *testing.T) (*house, *ledgertest.Chain) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if _, err := db.Exec(t.Context(), `INSERT INTO device (id, kind, owner, interval_s, segment_s, credential)
		VALUES ('wq-7', 'water_quality', 'environment', 1, 60, repeat('a', 64))`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), `INSERT INTO metric (device, name, n, unit) VALUES ('wq-7', 'ph', 0, '[pH]')`); err != nil {
		t.Fatal(err)
	}
	registry, err := sensors.Open(t.Context(), postgres.NewSensors(db), nil, log)
	if err != nil {
		t.Fatal(err)
	}
	chain := ledgertest.NewChain()
	logs, err := sequencer.Open(t.Context(), sequencer.Config{Dir: t.TempDir(), Name: "test.plinth", MinFree: 1, Trust: ledgertest.Policy(chain.Orgs...),
		SealEvery: 5 * time.Millisecond, AnchorEvery: 10 * time.Millisecond}, postgres.NewLedger(db), chain, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	rows := stored{{Device: "wq-7", Metric: "ph", At: minute, Seq: 1, Value: 7.5}, {Device: "wq-7", Metric: "ph", At: minute, Seq: 2, Value: 7.25}}
	sealMinute(t, db, rows)
	a := &archive{db: db}
	serveDevices(t, a, logs, api.DeviceEvidenceRoutes(sequencer.Devices{Logs: logs, Store: postgres.NewLedger(db), Rows: rows}, registry), log)
	return &a.house, chain
}

func sealMinute(t *testing.T, db *postgres.DB, rows stored) {
	t.Helper()
	seg := pipelines.Segment{Window: pipelines.Window{Device: "wq-7", From: minute, To: minute.Add(time.Minute)}, Count: uint64(len(rows)),
		Root: ledger.SegmentRoot(rows), Owner: "environment"}
	var err error
	if seg.Payload, err = (ledger.Segment{Device: "wq-7", From: seg.From, To: seg.To, Count: seg.Count, Root: seg.Root}).Encode(); err != nil {
		t.Fatal(err)
	}
	if err := postgres.NewSegments(db).Seal(t.Context(), []pipelines.Segment{seg}); err != nil {
		t.Fatal(err)
	}
}

// serveDevices runs sequencer and server until the test ends.
func serveDevices(t *testing.T, a *archive, logs *sequencer.Sequencer, routes []api.Route, log *slog.Logger) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: log, Auth: deviceReaders, Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { done <- s.Serve(ctx, l) }()
	go func() { done <- logs.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		logs.Close()
	})
	a.url = "http://" + l.Addr().String()
}

func TestDeviceFileIsServedToWhoMaySeeTheDevice(t *testing.T) {
	h, chain := deviceHouse(t)
	const path = "/v1/evidence/devices/wq-7/file?from=2026-11-24T08:00:00Z&to=2026-11-24T08:05:00Z"
	var file answer
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if file = h.call(t, "auditor", "GET", path+"&metric=ph&at=2026-11-24T08:00:00Z&seq=2", ""); file.status == 200 {
			break
		}
	}
	v, err := ledger.VerifyDevice([]byte(file.body), ledgertest.Policy(chain.Orgs...), "wq-7", minute, minute.Add(5*time.Minute))
	if err != nil || len(v.Windows) != 1 || len(v.Readings) != 1 || v.Readings[0].Value != 7.25 {
		t.Fatalf("%d: got %+v, %v", file.status, v, err)
	}
	if got := file.Header.Get("Content-Disposition"); !strings.Contains(got, "wq-7.plinth-device") {
		t.Errorf("it is to be kept as %q", got)
	}
	if both := h.call(t, "owner", "GET", path+"&metric=ph&at=2026-11-24T08:00:00Z", ""); both.status != 200 {
		t.Errorf("the owner's department: %d %s", both.status, both.body)
	}
	for who, status := range map[string]int{"operator": 200, "other": 403, "": 401} {
		if got := h.call(t, who, "GET", path, ""); got.status != status {
			t.Errorf("%q: got %d, want %d: %s", who, got.status, status, got.body)
		}
	}
}

func TestDeviceFileNamesTheParameterAtFault(t *testing.T) {
	h, _ := deviceHouse(t)
	const from, to = "from=2026-11-24T08:00:00Z", "to=2026-11-24T08:05:00Z"
	for query, field := range map[string]string{
		to: "from", from: "to", from + "&to=later": "to", "from=0001-01-01T00:00:00Z&" + to: "from",
		"from=2026-11-24T08:05:00Z&" + to: "from", "from=2026-10-01T00:00:00Z&" + to: "to",
		from + "&" + to + "&metric=lead": "metric", from + "&" + to + "&metric=ph": "at", from + "&" + to + "&at=2026-11-24T08:00:00Z": "metric",
		from + "&" + to + "&metric=ph&at=2026-11-25T08:00:00Z":        "at",
		from + "&" + to + "&metric=ph&at=2026-11-24T08:00:00Z&seq=-1": "seq",
	} {
		got := h.call(t, "auditor", "GET", "/v1/evidence/devices/wq-7/file?"+query, "")
		if got.status != 400 || got.Field != field {
			t.Errorf("%s: got %d, field %q, want %q: %s", query, got.status, got.Field, field, got.body)
		}
	}
	if got := h.call(t, "auditor", "GET", "/v1/evidence/devices/none/file?"+from+"&"+to, ""); got.status != 404 {
		t.Errorf("an unknown device: %d %s", got.status, got.body)
	}
}
