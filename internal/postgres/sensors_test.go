package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/internal/postgres"
	"plinth/sensors"
)

// station is a device of which everything is known.
func station(id string) sensors.Device {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return sensors.Device{ID: plinth.DeviceID(id), Kind: "water_quality", Name: sensors.Text{ZH: "水质站", EN: "Station"}, Owner: "ecology",
		Street: "taopu", Grid: "taopu-03", Site: "桃浦河", Longitude: 121.36, Latitude: 31.28, System: "gcj02", Interval: time.Minute,
		Segment: time.Minute, Life: sensors.Planned, Codec: "senml", Maker: "恒生", Model: "WQ-9", Installed: day, Calibrated: day,
		CalibrationDue: day.AddDate(1, 0, 0), Twins: "taopu-ph", Attrs: map[string]string{"inspection_due": "2026-12-31"},
		Metrics: []sensors.Metric{{Name: "ph", Title: sensors.Text{ZH: "酸碱度", EN: "pH"}, Unit: "[pH]", Min: 0, Max: 14, MaxRate: 0.1,
			StuckAfter: 60, Resolution: 0.01, FlatAfter: 20, Step: 0.5, Drift: 0.3}}}
}

func register(t *testing.T) (*sensors.Registry, *postgres.DB) {
	t.Helper()
	db := open(t)
	r, err := sensors.Open(t.Context(), postgres.NewSensors(db), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r, db
}

func operator(t *testing.T) context.Context { return as(t, "ac_op", "databureau", plinth.RoleOperator) }

func kindsOf(t *testing.T, db *postgres.DB, subject string) (kinds []string) {
	t.Helper()
	if err := db.QueryRow(t.Context(), `SELECT array_agg(kind || ' ' || org || ' ' || cardinality(inputs) ORDER BY n) FROM ledger_outbox WHERE subject = $1`,
		subject).Scan(&kinds); err != nil {
		t.Fatal(err)
	}
	return kinds
}

func TestADeviceIsReadAsItWasRegistered(t *testing.T) {
	r, db := register(t)
	want, _, err := r.Register(operator(t), station("wq-1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := sensors.Open(t.Context(), postgres.NewSensors(db), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, again.Device("wq-1")); d != "" || want.Version != 1 {
		t.Errorf("version %d, (-registered +read):\n%s", want.Version, d)
	}
}

func TestEveryChangeOfADeviceIsOnRecord(t *testing.T) {
	r, db := register(t)
	ctx := operator(t)
	d, first, err := r.Register(ctx, station("wq-1"))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = r.Move(ctx, d.ID, d.Version, sensors.Active, "挂表"); err != nil {
		t.Fatal(err)
	}
	if d, err = r.Change(ctx, d.ID, d.Version, func(d *sensors.Device) error { d.Site = "新址"; return nil }); err != nil {
		t.Fatal(err)
	}
	_, second, err := r.Rotate(ctx, d.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Authenticate(ctx, first); !errors.Is(err, plinth.ErrUnknown) {
		t.Errorf("the old credential opens: %v", err)
	}
	if p, err := r.Authenticate(ctx, second); err != nil || p.Device != d.ID {
		t.Errorf("the new credential: %v, %v", p, err)
	}
	if d, err = r.Move(ctx, d.ID, d.Version, sensors.Retired, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Authenticate(ctx, second); !errors.Is(err, plinth.ErrUnknown) {
		t.Errorf("a retired device signs in: %v", err)
	}
	want := []string{"device.registered databureau 0", "device.changed databureau 1", "device.changed databureau 1",
		"device.credential databureau 1", "device.retired databureau 1"}
	if diff := cmp.Diff(want, kindsOf(t, db, "device:wq-1")); diff != "" || d.Version != 4 || d.Site != "新址" {
		t.Errorf("version %d, site %s, records (-want +got):\n%s", d.Version, d.Site, diff)
	}
}

func TestAChangeNamesTheVersionItWasMadeFrom(t *testing.T) {
	r, _ := register(t)
	ctx := operator(t)
	d, _, err := r.Register(ctx, station("wq-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Move(ctx, d.ID, 1, sensors.Active, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Move(ctx, d.ID, 1, sensors.Retired, ""); !errors.Is(err, plinth.ErrConflict) {
		t.Errorf("an old version: %v, want a conflict", err)
	}
	if _, err := r.Move(ctx, d.ID, 0, sensors.Retired, ""); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("no version: %v, want invalid", err)
	}
}

func TestTwoInstancesDoNotOverwriteEachOther(t *testing.T) {
	one, db := register(t)
	ctx := operator(t)
	if _, _, err := one.Register(ctx, station("wq-1")); err != nil {
		t.Fatal(err)
	}
	two, err := sensors.Open(t.Context(), postgres.NewSensors(db), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Move(ctx, "wq-1", 1, sensors.Active, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Move(ctx, "wq-1", 1, sensors.Retired, ""); !errors.Is(err, plinth.ErrConflict) {
		t.Fatalf("the second instance: %v, want a conflict", err)
	}
	if err := two.Reload(ctx); err != nil || two.Device("wq-1").Life != sensors.Active {
		t.Errorf("after a reload the device is %s, %v", two.Device("wq-1").Life, err)
	}
}

func TestTheOldCredentialOpensUntilItsGraceEnds(t *testing.T) {
	r, _ := register(t)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	r.SetClock(func() time.Time { return now })
	_, first, err := r.Register(operator(t), station("wq-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Rotate(operator(t), "wq-1", time.Hour); err != nil {
		t.Fatal(err)
	}
	now = now.Add(59 * time.Minute)
	if _, err := r.Authenticate(t.Context(), first); err != nil {
		t.Errorf("within its grace the old credential is refused: %v", err)
	}
	now = now.Add(time.Minute)
	if _, err := r.Authenticate(t.Context(), first); !errors.Is(err, plinth.ErrUnknown) {
		t.Errorf("after its grace the old credential opens: %v", err)
	}
}

func TestADeviceIsFoundByTheCodeOnItsLabel(t *testing.T) {
	r, _ := register(t)
	d, _, err := r.Register(operator(t), station("wq-1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.ByCode(strings.ToLower(strings.ReplaceAll(d.Code(), "-", ""))); err != nil || got.ID != "wq-1" {
		t.Errorf("got %v, %v", got, err)
	}
	other := station("wq-2")
	if _, err := r.ByCode(other.Code()); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("the code of no device: %v", err)
	}
	if _, err := r.ByCode("x"); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("no code at all: %v", err)
	}
}
