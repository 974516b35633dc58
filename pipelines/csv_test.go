package pipelines

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readAll(t *testing.T, text string) (records [][]string, broken int) {
	t.Helper()
	c, err := newCSV(strings.NewReader(text), ',')
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if n > len(text)+1 {
			t.Fatal("more records than bytes")
		}
		r, err := c.Read()
		var bad *errRecord
		switch {
		case errors.Is(err, io.EOF):
			return records, broken
		case errors.As(err, &bad):
			broken++
		case err != nil:
			t.Fatal(err)
		default:
			records = append(records, r)
		}
	}
}

func TestCSVGoesOnAfterABrokenRecord(t *testing.T) {
	got, broken := readAll(t, "a,b\r\n\"x\ny\",\"say \"\"hi\"\"\"\n\n1,\"2\"3\n4,5\n6,\"never closed\n7,8\n,\n\"9\",\"\"")
	want := [][]string{{"a", "b"}, {"x\ny", `say "hi"`}, {"4", "5"}, {"7", "8"}, {"", ""}, {"9", ""}}
	// The unclosed quote runs to the next quote of the file, is broken there, and costs its own line alone.
	if d := cmp.Diff(want, got); d != "" || broken != 2 {
		t.Errorf("%d broken (-want +got):\n%s", broken, d)
	}
}

func TestCSVBoundsARecord(t *testing.T) {
	got, broken := readAll(t, "a\n\""+strings.Repeat("x", 2*MaxRecord)+"\nb\n")
	if d := cmp.Diff([][]string{{"a"}, {"b"}}, got); d != "" || broken != 1 {
		t.Errorf("%d broken (-want +got):\n%s", broken, d)
	}
}

// FuzzCSV checks that every input ends, and that what encoding/csv reads we read alike.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\n\"c\",\"d\"\"e\"\n")
	f.Add("\xef\xbb\xbfa\r\n\"b\r\nc\"")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, text string) {
		got, broken := readAll(t, text)
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil || broken > 0 || strings.ContainsAny(text, "\r\xef\xff\xfe") || len(want) == 0 {
			return // it is stricter with quotes, and normalises line ends
		}
		for _, rec := range append(got, want...) {
			if len(rec) == 1 && rec[0] == "" || !isASCII(strings.Join(rec, "")) {
				return
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("of %q (-encoding/csv +ours):\n%s", text, d)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 126 }) < 0
}

// FuzzMapping checks that no row makes a mapping panic and that an accepted event is valid.
func FuzzMapping(f *testing.F) {
	all, err := Mappings()
	if err != nil {
		f.Fatal(err)
	}
	m := all["nyc311"]
	f.Add("1", "2023-12-10T12:00:00.000", "Noise", "-73.9", "40.9")
	f.Add("", "43499.5", "'; --", "NaN", "1e999")
	f.Fuzz(func(t *testing.T, id, at, class, lon, lat string) {
		values := map[string]string{"unique_key": id, "created_date": at, "complaint_type": class, "longitude": lon, "latitude": lat,
			"agency": "NYPD"}
		header := m.columns()
		rows, err := newRowMapper(m, "f.csv", header)
		if err != nil {
			t.Fatal(err)
		}
		record := make([]string, len(header))
		for i, h := range header {
			record[i] = values[h]
		}
		e, bad := rows.event(record)
		if bad == nil && e.Validate() != nil {
			t.Errorf("accepted %+v: %v", e, e.Validate())
		}
		if bad != nil && (bad.field == "" || bad.reason == "") {
			t.Errorf("fault without a name: %+v", bad)
		}
	})
}
