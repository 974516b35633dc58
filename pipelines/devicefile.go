package pipelines

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"plinth"
	"plinth/pipelines/table"
	"plinth/sensors"
	"plinth/sensors/geodesy"
)

// DeviceColumns are the columns of a file of devices. Those of an import may stand in any order, and all but id, kind
// and owner may be missing. x and y are in the system of the row, wgs84 when it names none. attrs is a=b;c=d or a JSON object, and metrics
// a JSON array of objects with name, unit, min, max, zh, en, max_rate, stuck_after, resolution, flat_after, step and
// drift; empty takes the kind's.
var DeviceColumns = []string{"id", "kind", "name_zh", "name_en", "owner", "street", "grid", "site", "system", "x", "y", "interval_s",
	"segment_s", "life", "codec", "maker", "model", "installed", "calibrated", "calibration_due", "twins", "attrs", "metrics"}

// DeviceFault says why a row of a file was not registered. Row 1 is the header, where the file has one.
type DeviceFault struct {
	Row   uint64 `json:"row"`
	ID    string `json:"id,omitempty"`
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

// DeviceCounts are what became of a file's rows: In is the sum of Registered, Known and Refused.
type DeviceCounts struct {
	In         int `json:"rows"`
	Registered int `json:"registered"` // in a trial, those that would be
	Known      int `json:"known"`      // registered before, as the row says
	Renewed    int `json:"renewed"`    // those of Known that were given a new credential
	Refused    int `json:"refused"`
}

// DeviceFile brings files of devices into the registry. Good rows are registered whatever the others are, each with its
// record; a file that is brought again finds its rows known.
type DeviceFile struct {
	Registry *sensors.Registry
	Systems  *geodesy.Systems
	// Spoke tells whether a device has ever sent anything, and so has its credential; nil when that is not known.
	Spoke func(*sensors.Device) bool
	// RenewSince is when an import began whose credentials did not arrive: devices of the file that were registered since,
	// and have not spoken, get new ones. Zero renews none.
	RenewSince time.Time
}

// DeviceReport is told what became of rows, soon after they are stored.
type DeviceReport struct {
	Fault      func(DeviceFault)
	Credential func(id plinth.DeviceID, secret string) // shown once
	Progress   func(DeviceCounts)                      // after each transaction; nil is not told
}

// deviceChunk is how many rows are one transaction.
const deviceChunk = 500

// Import reads the file in, in whatever format its first bytes show; an object of NDJSON has the columns as keys. An error
// ends it early; what was reported until then is stored, and bringing the file again goes on.
func (f DeviceFile) Import(ctx context.Context, in io.Reader, dry bool, report DeviceReport) (DeviceCounts, error) {
	file, format, err := openTable(in, ',', table.Options{Columns: DeviceColumns, Strict: true})
	if err != nil {
		return DeviceCounts{}, err
	}
	defer file.Close()
	columns, err := deviceColumns(file.Header())
	if err != nil {
		return DeviceCounts{}, err
	}
	job := deviceJob{DeviceFile: f, columns: columns, serial: format == table.XLSX, dry: dry, report: report, seen: map[plinth.DeviceID]bool{}}
	return job.run(ctx, file)
}

func (j *deviceJob) run(ctx context.Context, file table.Reader) (DeviceCounts, error) {
	for {
		record, err := file.Read()
		var broken *errRecord
		switch {
		case errors.Is(err, io.EOF):
			return j.counts, j.flush(ctx)
		case errors.As(err, &broken):
			j.counts.In++
			j.refuse(file.Row(), "", plinth.Invalid("row", "%s", broken.Reason))
		case err != nil:
			return j.counts, err
		default:
			j.counts.In++
			j.take(file.Row(), record)
		}
		if len(j.devices) >= deviceChunk {
			if err := j.flush(ctx); err != nil {
				return j.counts, err
			}
		}
	}
}

// deviceColumns finds the columns' places.
func deviceColumns(header []string) (map[string]int, error) {
	columns := map[string]int{}
	for i, name := range header {
		name = strings.TrimSpace(name)
		_, twice := columns[name]
		if twice || !slices.Contains(DeviceColumns, name) {
			return nil, plinth.Invalid("header", "column %d, %q, is there twice or none of %v", i+1, clip(name, 64), DeviceColumns)
		}
		columns[name] = i
	}
	for _, name := range []string{"id", "kind", "owner"} {
		if _, ok := columns[name]; !ok {
			return nil, plinth.Invalid("header", "the column %s is missing", name)
		}
	}
	return columns, nil
}

type deviceJob struct {
	DeviceFile
	columns map[string]int
	serial  bool // dates are numbers of days, as workbooks store them
	dry     bool
	report  DeviceReport
	counts  DeviceCounts
	devices []sensors.Device
	rows    []uint64
	seen    map[plinth.DeviceID]bool
}

func (j *deviceJob) take(row uint64, record []string) {
	get := func(column string) string {
		if i, ok := j.columns[column]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	id := get("id")
	if len(record) != len(j.columns) {
		j.refuse(row, id, plinth.Invalid("row", "has %d fields, the header has %d", len(record), len(j.columns)))
		return
	}
	d, err := j.device(get)
	if err == nil && j.seen[d.ID] {
		err = plinth.Invalid("id", "the device is in the file twice")
	}
	if err != nil {
		j.refuse(row, id, err)
		return
	}
	j.seen[d.ID] = true
	j.devices, j.rows = append(j.devices, d), append(j.rows, row)
}

func (j *deviceJob) refuse(row uint64, id string, err error) {
	j.counts.Refused++
	fault := DeviceFault{Row: row, ID: clip(id, 64), Field: "row", Rule: err.Error()}
	var e *plinth.Error
	if errors.As(err, &e) {
		fault.Field, fault.Rule = e.Field, e.Text
	}
	j.report.Fault(fault)
}

// flush registers what is in hand.
func (j *deviceJob) flush(ctx context.Context) error {
	outcomes, err := j.Registry.RegisterAll(ctx, j.devices, j.dry)
	if err != nil {
		return fmt.Errorf("register rows %d to %d: %w", j.rows[0], j.rows[len(j.rows)-1], err)
	}
	var lost []plinth.DeviceID
	for i, o := range outcomes {
		switch {
		case o.Err != nil:
			j.refuse(j.rows[i], string(o.Device.ID), o.Err)
		case o.Known:
			if j.counts.Known++; j.lost(&o.Device) {
				lost = append(lost, o.Device.ID)
			}
		default:
			j.counts.Registered++
			if o.Secret != "" {
				j.report.Credential(o.Device.ID, o.Secret)
			}
		}
	}
	if err := j.renew(ctx, lost); err != nil {
		return err
	}
	j.devices, j.rows = j.devices[:0], j.rows[:0]
	if j.report.Progress != nil {
		j.report.Progress(j.counts)
	}
	return nil
}

// lost tells whether nobody has the credential of a known device.
func (j *deviceJob) lost(d *sensors.Device) bool {
	return !j.RenewSince.IsZero() && !d.Registered.Before(j.RenewSince) && (j.Spoke == nil || !j.Spoke(d))
}

// renew gives devices new credentials.
func (j *deviceJob) renew(ctx context.Context, ids []plinth.DeviceID) error {
	if j.dry || len(ids) == 0 {
		j.counts.Renewed += len(ids)
		return nil
	}
	secrets, err := j.Registry.RenewAll(ctx, ids)
	for i, secret := range secrets {
		j.counts.Renewed++
		j.report.Credential(ids[i], secret)
	}
	return err
}

// device reads a row.
func (j *deviceJob) device(get func(string) string) (sensors.Device, error) {
	d := sensors.Device{ID: plinth.DeviceID(get("id")), Kind: get("kind"), Name: sensors.Text{ZH: get("name_zh"), EN: get("name_en")},
		Owner: plinth.AgentID(get("owner")), Street: get("street"), Grid: get("grid"), Site: get("site"), Life: sensors.Life(get("life")),
		Codec: get("codec"), Maker: get("maker"), Model: get("model"), Twins: get("twins")}
	var err error
	for _, part := range []func() error{
		func() error { return j.place(&d, get) },
		func() error { d.Interval, err = seconds("interval_s", get("interval_s")); return err },
		func() error { d.Segment, err = seconds("segment_s", get("segment_s")); return err },
		func() error { d.Installed, err = j.day("installed", get("installed")); return err },
		func() error { d.Calibrated, err = j.day("calibrated", get("calibrated")); return err },
		func() error { d.CalibrationDue, err = j.day("calibration_due", get("calibration_due")); return err },
		func() error { d.Attrs, err = attrsOf(get("attrs")); return err },
		func() error { d.Metrics, err = metricsOf(get("metrics")); return err },
	} {
		if err := part(); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (j *deviceJob) place(d *sensors.Device, get func(string) string) error {
	if get("x") == "" && get("y") == "" {
		return nil
	}
	x, errX := strconv.ParseFloat(get("x"), 64)
	y, errY := strconv.ParseFloat(get("y"), 64)
	if errX != nil || errY != nil {
		return plinth.Invalid("x", "x and y are two numbers, or both empty")
	}
	system := get("system")
	if system == "" {
		system = geodesy.WGS84
	}
	at, err := j.Systems.WGS84(system, x, y)
	d.Longitude, d.Latitude, d.System = at.Longitude, at.Latitude, at.System
	return err
}

func seconds(field, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, plinth.Invalid(field, "want whole seconds")
	}
	return time.Duration(n) * time.Second, nil
}

// firstSerial is the least number that a workbook's cell may have as a date, in 1927: a smaller one is rather a year.
const firstSerial = 10_000

// day reads a date, or a time in RFC 3339.
func (j *deviceJob) day(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseFloat(s, 64); j.serial && err == nil && n >= firstSerial {
		if t, ok := excel(s, time.UTC); ok {
			return t, nil
		}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, plinth.Invalid(field, "want a date like 2026-12-31, or a time in RFC 3339")
}

func attrsOf(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	out := map[string]string{}
	if s[0] == '{' {
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			return nil, plinth.Invalid("attrs", "want a JSON object of texts")
		}
		return out, nil
	}
	for pair := range strings.SplitSeq(s, ";") {
		key, value, ok := strings.Cut(pair, "=")
		if _, twice := out[key]; !ok || twice {
			return nil, plinth.Invalid("attrs", "want a=b;c=d, each name once")
		}
		out[key] = value
	}
	return out, nil
}

// deviceMetric is a metric as it stands in a file.
type deviceMetric struct {
	Name       string  `json:"name"`
	ZH         string  `json:"zh,omitempty"`
	EN         string  `json:"en,omitempty"`
	Unit       string  `json:"unit"`
	Min        float64 `json:"min,omitempty"`
	Max        float64 `json:"max,omitempty"`
	MaxRate    float64 `json:"max_rate,omitempty"`
	StuckAfter int     `json:"stuck_after,omitempty"`
	Resolution float64 `json:"resolution,omitempty"`
	FlatAfter  int     `json:"flat_after,omitempty"`
	Step       float64 `json:"step,omitempty"`
	Drift      float64 `json:"drift,omitempty"`
}

func metricsOf(s string) ([]sensors.Metric, error) {
	if s == "" {
		return nil, nil
	}
	var in []deviceMetric
	dec := json.NewDecoder(strings.NewReader(s))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || dec.More() {
		return nil, plinth.Invalid("metrics", "want a JSON array of metrics, each with name and unit")
	}
	var out []sensors.Metric
	for _, m := range in {
		out = append(out, sensors.Metric{Name: m.Name, Title: sensors.Text{ZH: m.ZH, EN: m.EN}, Unit: m.Unit, Min: m.Min, Max: m.Max,
			MaxRate: m.MaxRate, StuckAfter: m.StuckAfter, Resolution: m.Resolution, FlatAfter: m.FlatAfter, Step: m.Step, Drift: m.Drift})
	}
	return out, nil
}

// WriteDevices writes a file of devices that Import reads back as it is, in UTF-8 with the mark that spreadsheets need.
// Positions are in WGS 84.
func WriteDevices(out io.Writer, devices []*sensors.Device) error {
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write(DeviceColumns); err != nil {
		return err
	}
	for _, d := range devices {
		if err := w.Write(deviceRow(d)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func deviceRow(d *sensors.Device) []string {
	metrics := make([]deviceMetric, len(d.Metrics))
	for i, m := range d.Metrics {
		metrics[i] = deviceMetric{m.Name, m.Title.ZH, m.Title.EN, m.Unit, m.Min, m.Max, m.MaxRate, m.StuckAfter, m.Resolution, m.FlatAfter,
			m.Step, m.Drift}
	}
	raw, err := json.Marshal(metrics)
	if err != nil {
		panic("pipelines: " + err.Error()) // registered numbers are finite
	}
	x, y := "", ""
	if d.Placed() {
		x, y = strconv.FormatFloat(d.Longitude, 'f', -1, 64), strconv.FormatFloat(d.Latitude, 'f', -1, 64)
	}
	return []string{string(d.ID), d.Kind, d.Name.ZH, d.Name.EN, string(d.Owner), d.Street, d.Grid, d.Site, geodesy.WGS84, x, y,
		strconv.Itoa(int(d.Interval / time.Second)), strconv.Itoa(int(d.SegmentWindow() / time.Second)), string(d.Life), d.Codec, d.Maker,
		d.Model, dayText(d.Installed), dayText(d.Calibrated), dayText(d.CalibrationDue), d.Twins, attrsText(d.Attrs), string(raw)}
}

// attrsText is a JSON object, or nothing.
func attrsText(attrs map[string]string) string {
	if len(attrs) == 0 {
		return ""
	}
	raw, err := json.Marshal(attrs) // in order of the names
	if err != nil {
		panic("pipelines: " + err.Error())
	}
	return string(raw)
}

func dayText(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Truncate(24 * time.Hour).Equal(t):
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}
