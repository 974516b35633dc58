package pipelines_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/geodesy"
)

// deviceDesk brings files into an empty registry.
func deviceDesk(t testing.TB) pipelines.DeviceFile {
	t.Helper()
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	registry, err := sensors.Open(t.Context(), postgres.NewSensors(db), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	systems, err := geodesy.New(geodesy.Convention())
	if err != nil {
		t.Fatal(err)
	}
	return pipelines.DeviceFile{Registry: registry, Systems: systems}
}

type told struct {
	faults  []pipelines.DeviceFault
	secrets map[plinth.DeviceID]string
}

func bring(t testing.TB, f pipelines.DeviceFile, csv string, dry bool) (pipelines.DeviceCounts, told) {
	t.Helper()
	got := told{secrets: map[plinth.DeviceID]string{}}
	counts, err := f.Import(t.Context(), strings.NewReader(csv), dry, pipelines.DeviceReport{
		Fault:      func(d pipelines.DeviceFault) { got.faults = append(got.faults, d) },
		Credential: func(id plinth.DeviceID, s string) { got.secrets[id] = s }})
	if err != nil {
		t.Fatal(err)
	}
	return counts, got
}

const metric = `"[{""name"":""ph"",""unit"":""[pH]"",""max"":14}]"`

const mixed = "id,kind,owner,system,x,y,interval_s,installed,attrs,metrics\n" +
	"wq-1,water_quality,ecology,gcj02,121.3645,31.2780,60,2026-03-01,inspection_due=2026-12-31," + metric + "\n" +
	"WQ 2,water_quality,ecology,,,,60,,," + metric + "\n" +
	"wq-3,water_quality,ecology,utm,1,2,60,,," + metric + "\n" +
	"wq-4,water_quality,ecology,,121.3,,60,,," + metric + "\n" +
	"wq-5,water_quality,ecology,,,,60,yesterday,," + metric + "\n" +
	"wq-6,water_quality,ecology,,,,60,,,none\n" +
	"wq-7,water_quality\n" +
	"wq-1,water_quality,ecology,,,,60,,," + metric + "\n" +
	"wq-8,water_quality,ecology,,,,60,,," + metric + "\n"

func TestGoodRowsAreRegisteredAndBadOnesNamed(t *testing.T) {
	f := deviceDesk(t)
	if counts, got := bring(t, f, mixed, true); counts.Registered != 2 || len(got.secrets) != 0 || f.Registry.Device("wq-1") != nil {
		t.Errorf("a trial: %+v, %d secrets, device %v", counts, len(got.secrets), f.Registry.Device("wq-1"))
	}
	counts, got := bring(t, f, mixed, false)
	if want := (pipelines.DeviceCounts{In: 9, Registered: 2, Refused: 7}); counts != want || len(got.secrets) != 2 {
		t.Errorf("counts %+v, want %+v; %d secrets", counts, want, len(got.secrets))
	}
	fields := map[uint64]string{}
	for _, d := range got.faults {
		fields[d.Row] = d.Field
		if d.Rule == "" {
			t.Errorf("row %d names no rule", d.Row)
		}
	}
	want := map[uint64]string{3: "id", 4: "system", 5: "x", 6: "installed", 7: "metrics", 8: "row", 9: "id"}
	if d := cmp.Diff(want, fields); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
	if d := f.Registry.Device("wq-1"); d == nil || d.System != "gcj02" || d.Longitude >= 121.3645 || d.Attrs["inspection_due"] != "2026-12-31" {
		t.Errorf("the device is %+v", d)
	}
	if p, err := f.Registry.Authenticate(t.Context(), got.secrets["wq-8"]); err != nil || p.Device != "wq-8" {
		t.Errorf("the credential opens for %v, %v", p, err)
	}
}

// TestWorkbooksAndLinesOfJSONAreFilesOfDevices brings the same two devices in each form, the second with a fault.
func TestWorkbooksAndLinesOfJSONAreFilesOfDevices(t *testing.T) {
	f := excelize.NewFile()
	for i, row := range [][]any{{"id", "kind", "owner", "x", "y", "interval_s", "installed", "metrics"},
		{"wq-1", "water_quality", "ecology", 121.3645, 31.278, 60, 46082, `[{"name":"ph","unit":"[pH]","max":14}]`},
		{"wq-2", "water_quality", "ecology", "", "", 60, 2026, `[{"name":"ph","unit":"[pH]","max":14}]`}} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	book, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	lines := `{"id":"wq-1","kind":"water_quality","owner":"ecology","x":121.3645,"y":31.278,"interval_s":60,"installed":"2026-03-01",` +
		`"metrics":[{"name":"ph","unit":"[pH]","max":14}]}` + "\n" + `{"id":"wq-2","kind":"water_quality","owner":"ecology","stret":"caoyang"}` + "\n"
	for name, tt := range map[string]struct {
		file string
		row  uint64
		say  string
	}{"workbook": {book.String(), 3, "2026-12-31"}, "lines": {lines, 2, "stret"}} {
		desk := deviceDesk(t)
		counts, got := bring(t, desk, tt.file, false)
		if counts.Registered != 1 || len(got.faults) != 1 || got.faults[0].Row != tt.row || !strings.Contains(got.faults[0].Rule, tt.say) {
			t.Errorf("%s: %+v, faults %v", name, counts, got.faults)
		}
		d := desk.Registry.Device("wq-1")
		if d == nil || d.Longitude != 121.3645 || !d.Installed.Equal(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) || len(d.Metrics) != 1 {
			t.Errorf("%s: the device is %+v", name, d)
		}
	}
}

func TestAFileThatIsBroughtAgainIsKnown(t *testing.T) {
	f := deviceDesk(t)
	bring(t, f, mixed, false)
	counts, got := bring(t, f, mixed, false)
	if counts.Known != 2 || counts.Registered != 0 || len(got.secrets) != 0 {
		t.Errorf("again: %+v, %d secrets", counts, len(got.secrets))
	}
	var out bytes.Buffer
	if err := pipelines.WriteDevices(&out, f.Registry.Devices(sensors.Filter{}, nil)); err != nil {
		t.Fatal(err)
	}
	if counts, got := bring(t, f, out.String(), false); counts.Known != 2 || counts.Refused != 0 {
		t.Errorf("the export: %+v, faults %v", counts, got.faults)
	}
	_, got = bring(t, f, strings.Replace(mixed, "wq-8,water_quality,ecology", "wq-8,water_quality,housing", 1), false)
	if last := got.faults[len(got.faults)-1]; last.Row != 10 || last.Field != "owner" {
		t.Errorf("a row that differs: %+v", last)
	}
}

func TestCredentialsThatDidNotArriveAreGivenAgain(t *testing.T) {
	f, began := deviceDesk(t), time.Now().Add(-time.Second)
	_, first := bring(t, f, mixed, false)
	opens := func(secret string) bool {
		_, err := f.Registry.Authenticate(t.Context(), secret)
		return err == nil
	}
	f.RenewSince = time.Now().Add(time.Minute)
	if counts, got := bring(t, f, mixed, false); counts.Renewed != 0 || len(got.secrets) != 0 || !opens(first.secrets["wq-8"]) {
		t.Errorf("registered before: %+v", counts)
	}
	f.RenewSince, f.Spoke = began, func(d *sensors.Device) bool { return d.ID == "wq-1" }
	if counts, got := bring(t, f, mixed, true); counts.Renewed != 1 || len(got.secrets) != 0 || !opens(first.secrets["wq-8"]) {
		t.Errorf("a trial: %+v, %d secrets", counts, len(got.secrets))
	}
	counts, got := bring(t, f, mixed, false)
	if counts.Known != 2 || counts.Renewed != 1 || len(got.secrets) != 1 || !opens(got.secrets["wq-8"]) || opens(first.secrets["wq-8"]) {
		t.Errorf("again: %+v, %d secrets", counts, len(got.secrets))
	}
	if !opens(first.secrets["wq-1"]) {
		t.Error("the credential of a device that has spoken opens nothing any more")
	}
	if err := f.Registry.Reload(t.Context()); err != nil || !opens(got.secrets["wq-8"]) {
		t.Errorf("as stored, the new credential opens nothing: %v", err)
	}
}

// TestManyDevicesAreRegisteredFast brings PLINTH_DEVICES devices, by default few.
func TestManyDevicesAreRegisteredFast(t *testing.T) {
	n := 1200
	if s := os.Getenv("PLINTH_DEVICES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	b.WriteString("id,kind,owner,interval_s,metrics\n")
	for i := range n {
		fmt.Fprintf(&b, "wq-%06d,water_quality,ecology,60,%s\n", i, metric)
	}
	f, began := deviceDesk(t), time.Now()
	counts, got := bring(t, f, b.String(), false)
	if counts.Registered != n || len(got.secrets) != n {
		t.Errorf("%+v, %d secrets, want %d", counts, len(got.secrets), n)
	}
	t.Logf("%d devices in %s", n, time.Since(began))
}

func FuzzImportDevices(f *testing.F) {
	f.Add(mixed)
	f.Add("id,kind,owner,attrs,metrics\na,b,c,{},[]\n")
	systems, err := geodesy.New(geodesy.Convention())
	if err != nil {
		f.Fatal(err)
	}
	registry, err := sensors.Open(f.Context(), nothing{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	desk := pipelines.DeviceFile{Registry: registry, Systems: systems}
	f.Fuzz(func(t *testing.T, csv string) {
		refused := 0
		counts, err := desk.Import(t.Context(), strings.NewReader(csv), true, pipelines.DeviceReport{
			Fault: func(pipelines.DeviceFault) { refused++ }, Credential: func(plinth.DeviceID, string) { t.Error("a trial made a secret") }})
		if err == nil && (counts.In != counts.Registered+counts.Known+counts.Refused || refused != counts.Refused) {
			t.Errorf("%+v, %d faults", counts, refused)
		}
	})
}

// nothing is an empty store, for trials.
type nothing struct{ sensors.Store }

func (nothing) Roll(context.Context, string) (*sensors.Roll, error) {
	return &sensors.Roll{Stamp: "0"}, nil
}
