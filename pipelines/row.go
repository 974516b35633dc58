package pipelines

import (
	"cmp"
	"encoding/binary"
	"encoding/csv"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
	"plinth/sensors"
)

// rowMapper makes events or readings of one file's records.
type rowMapper struct {
	m      *Mapping
	file   string
	header []string
	index  map[string]int
}

// newRowMapper checks that the header has every column the mapping reads.
func newRowMapper(m *Mapping, file string, header []string) (*rowMapper, error) {
	r := &rowMapper{m: m, file: file, header: header, index: map[string]int{}}
	for i, h := range header {
		h = strings.TrimSpace(h)
		if _, twice := r.index[h]; twice && slices.Contains(m.columns(), h) {
			return nil, plinth.Invalid("header", "the column %q is there twice", clip(h, 100))
		}
		r.index[h] = i
	}
	for _, c := range m.columns() {
		if _, ok := r.index[c]; !ok {
			return nil, plinth.Invalid("header", "the column %q of the mapping %s is not in the file, which has %q", c, m.Name,
				clip(strings.Join(header, ","), 500))
		}
	}
	return r, nil
}

// asFile is a record under its header, as a file of its own: a dead letter can be mended and imported.
func (r *rowMapper) asFile(record []string) string { return r.asLine(r.header) + r.asLine(record) }

// asLine is a record as a line of the file.
func (r *rowMapper) asLine(record []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = rune(r.m.Delimiter[0])
	if err := w.Write(record); err != nil {
		return strings.Join(record, r.m.Delimiter) + "\n" // the mapping's delimiter is no delimiter for it
	}
	w.Flush()
	return b.String()
}

// fault names the file's column, or the field when it has none, and the reason.
type fault struct{ field, reason string }

func (r *rowMapper) width(record []string) *fault {
	if len(record) != len(r.header) {
		return &fault{"row", "the row has " + strconv.Itoa(len(record)) + " fields, the header " + strconv.Itoa(len(r.header))}
	}
	for i, s := range record {
		if !utf8.ValidString(s) {
			return &fault{r.header[i], "the value is not UTF-8"}
		}
	}
	return nil
}

// text returns a field's value, checked by its rules.
func (r *rowMapper) text(name string, f *Field, record []string) (string, *fault) {
	if f == nil {
		return "", nil
	}
	where := cmp.Or(f.Column, name)
	s := f.Const
	if f.Column != "" {
		s = strings.TrimSpace(record[r.index[f.Column]])
	}
	if f.File != "" {
		if g := f.file.FindStringSubmatch(r.file); g != nil {
			s = g[1]
		}
	}
	if f.ID {
		s = asID(s)
	}
	switch {
	case s == "" && f.Required:
		return "", &fault{where, "the value is missing"}
	case s == "":
		return "", nil
	case strings.ContainsRune(s, 0):
		return "", &fault{where, "the value has a NUL"}
	case f.Pattern != "" && !f.pattern.MatchString(s):
		return "", &fault{where, "the value " + quote(s) + " does not match " + f.Pattern}
	case len(f.OneOf) > 0 && !slices.Contains(f.OneOf, s):
		return "", &fault{where, "the value " + quote(s) + " is none of " + strings.Join(f.OneOf, ", ")}
	case f.Number:
		if _, bad := number(where, s); bad != nil {
			return "", bad
		}
	}
	return s, nil
}

func quote(s string) string { return strconv.Quote(clip(s, 100)) }

// asID makes a device's id of a file's or column's text.
func asID(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return '-'
	}, strings.ToLower(s))
	return strings.TrimLeft(s[:min(len(s), 64)], "-_")
}

func number(where, s string) (float64, *fault) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xX_pP") {
		return 0, &fault{where, "the value " + quote(s) + " is not a finite number"}
	}
	return f, nil
}

// instant reads a time by the field's layouts, the first that fits.
func (r *rowMapper) instant(f *Field, record []string) (time.Time, *fault) {
	s, bad := r.text("at", f, record)
	if bad != nil {
		return time.Time{}, bad
	}
	for _, layout := range f.Times {
		if layout == "excel" {
			if t, ok := excel(s, r.m.zone); ok {
				return t, nil
			}
			continue
		}
		if t, err := time.ParseInLocation(layout, s, r.m.zone); err == nil {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, &fault{cmp.Or(f.Column, "at"), "the time " + quote(s) + " has none of the forms " + strings.Join(f.Times, ", ")}
}

// excel reads a spreadsheet's serial day, e.g. 43499.5 for noon of 2019-02-03, as wall clock of zone.
func excel(s string, zone *time.Location) (time.Time, bool) {
	days, err := strconv.ParseFloat(s, 64)
	if err != nil || !(days >= 1 && days < 100_000) {
		return time.Time{}, false
	}
	whole, part := math.Modf(days)
	seconds := int(math.Round(part * 86400)) // the sheet's own precision
	return time.Date(1899, 12, 30+int(whole), 0, 0, seconds, 0, zone).UTC(), true
}

// event makes an event of a record.
func (r *rowMapper) event(record []string) (Event, *fault) {
	if bad := r.width(record); bad != nil {
		return Event{}, bad
	}
	e := Event{Source: r.m.Source}
	var bad *fault
	if e.At, bad = r.instant(r.m.Fields["at"], record); bad != nil {
		return Event{}, bad
	}
	// The order is fixed: of two faults a row always tells the same.
	for _, f := range []struct {
		name string
		to   *string
	}{{"source_id", &e.SourceID}, {"class", &e.Class}, {"title", &e.Title}, {"text", &e.Text}, {"street", &e.Street},
		{"grid", &e.Grid}, {"address", &e.Address}, {"contact", &e.Contact}} {
		if *f.to, bad = r.text(f.name, r.m.Fields[f.name], record); bad != nil {
			return Event{}, bad
		}
	}
	if e.Longitude, bad = r.float("longitude", record); bad != nil {
		return Event{}, bad
	}
	if e.Latitude, bad = r.float("latitude", record); bad != nil {
		return Event{}, bad
	}
	if e.Attrs, bad = r.attrs(record); bad != nil {
		return Event{}, bad
	}
	return e, r.valid(e)
}

// valid turns the event's own rules into a fault of the column at fault.
func (r *rowMapper) valid(e Event) *fault {
	err, _ := e.Validate().(*plinth.Error)
	if err == nil {
		return nil
	}
	field := err.Field
	if f := r.m.Fields[field]; f != nil && f.Column != "" {
		field = f.Column
	}
	return &fault{field, err.Text}
}

func (r *rowMapper) float(name string, record []string) (float64, *fault) {
	f := r.m.Fields[name]
	s, bad := r.text(name, f, record)
	if bad != nil || s == "" {
		return 0, bad
	}
	return number(cmp.Or(f.Column, name), s)
}

func (r *rowMapper) attrs(record []string) (map[string]string, *fault) {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(r.m.Attrs)) {
		s, bad := r.text(name, r.m.Attrs[name], record)
		if bad != nil {
			return nil, bad
		}
		if s != "" {
			out[name] = s
		}
	}
	return out, nil
}

// reading makes a reading of a record. Without a column for it, seq follows from the value: two values of one instant
// are two readings, the same value twice is one.
func (r *rowMapper) reading(record []string) (sensors.Reading, *fault) {
	if bad := r.width(record); bad != nil {
		return sensors.Reading{}, bad
	}
	var out sensors.Reading
	device, bad := r.text("device", r.m.Fields["device"], record)
	if bad != nil {
		return out, bad
	}
	out.Device = plinth.DeviceID(device)
	if out.Metric, bad = r.text("metric", r.m.Fields["metric"], record); bad != nil {
		return out, bad
	}
	if out.At, bad = r.instant(r.m.Fields["at"], record); bad != nil {
		return out, bad
	}
	if out.Value, bad = r.float("value", record); bad != nil {
		return out, bad
	}
	if r.m.Fields["seq"] == nil {
		h := fnv.New64a()
		_ = binary.Write(h, binary.BigEndian, math.Float64bits(out.Value)) // a hash takes all
		out.Seq = h.Sum64()
		return out, nil
	}
	s, bad := r.text("seq", r.m.Fields["seq"], record)
	if bad != nil {
		return out, bad
	}
	seq, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return out, &fault{cmp.Or(r.m.Fields["seq"].Column, "seq"), "the sequence " + quote(s) + " is not a whole number"}
	}
	out.Seq = seq
	return out, nil
}
