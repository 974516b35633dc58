package table_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"plinth"
	"plinth/pipelines/table"
)

func workbook(t testing.TB, sheet string, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if _, err := f.NewSheet(sheet); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		if err := f.SetSheetRow(sheet, cell, &row); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type row struct {
	Device string    `parquet:"device"`
	At     time.Time `parquet:"at,timestamp(millisecond)"`
	Value  *float64  `parquet:"value,optional"`
	N      int32     `parquet:"n"`
}

func parquetFile(t testing.TB, rows ...row) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.MaxRowsPerRowGroup(100))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// all reads a table to its end.
func all(data []byte, o table.Options) (header []string, rows [][]string, broken []string, err error) {
	r, err := table.Open(bytes.NewReader(data), table.Sniff(data), o)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		record, err := r.Read()
		var bad *table.Broken
		switch {
		case errors.Is(err, io.EOF):
			return r.Header(), rows, broken, nil
		case errors.As(err, &bad):
			broken = append(broken, bad.Reason)
		case err != nil:
			return r.Header(), rows, broken, err
		default:
			rows = append(rows, record)
		}
	}
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestEachFormatGivesItsRows(t *testing.T) {
	half := 0.5
	for name, tt := range map[string]struct {
		data []byte
		o    table.Options
		want [][]string
	}{
		"workbook": {workbook(t, "数据", []any{}, []any{"设备", "时间", "值"}, []any{"a", noon, 7.1}, nil, []any{"b", 43499.5}),
			table.Options{Sheet: "数据"}, [][]string{{"设备", "时间", "值"}, {"a", "46350.5", "7.1"}, {"b", "43499.5", ""}}},
		"parquet": {parquetFile(t, row{"a", noon, &half, 1}, row{"b", noon.Add(time.Millisecond), nil, -2}), table.Options{}, [][]string{
			{"device", "at", "value", "n"}, {"a", "2026-11-24T12:00:00Z", "0.5", "1"}, {"b", "2026-11-24T12:00:00.001Z", "", "-2"}}},
		"ndjson": {[]byte("{\"a\":1.50,\"b\":{\"c\":[true,\"x\"]}}\n\n {\"a\":null}"), table.Options{Columns: []string{"a", "/b/c/1", "b"}}, [][]string{
			{"a", "/b/c/1", "b"}, {"1.50", "x", `{"c":[true,"x"]}`}, {"", "", ""}}},
	} {
		header, rows, broken, err := all(tt.data, tt.o)
		if d := cmp.Diff(tt.want, append([][]string{header}, rows...)); d != "" || err != nil || broken != nil {
			t.Errorf("%s: %v %v (-want +got):\n%s", name, broken, err, d)
		}
	}
}

func TestRowGroupsAreReadOneAfterTheOther(t *testing.T) {
	var in []row
	for i := range 1050 {
		in = append(in, row{Device: "a", At: noon, N: int32(i)})
	}
	_, rows, _, err := all(parquetFile(t, in...), table.Options{})
	if err != nil || len(rows) != len(in) || rows[1049][3] != "1049" {
		t.Errorf("%d rows, %v; want %d in order", len(rows), err, len(in))
	}
}

func TestABrokenLineIsNamedAndTheRestIsRead(t *testing.T) {
	data := "{\"a\":1}\n{\"a\":\n{\"a\":\"\xff\"}\n{\"a\":\"" + strings.Repeat("x", 2<<20) + "\"}\n{\"a\":2}"
	_, rows, broken, err := all([]byte(data), table.Options{Columns: []string{"a"}})
	if err != nil || len(rows) != 2 || len(broken) != 3 {
		t.Errorf("%d rows, broken %q, %v; want 2 and 3", len(rows), broken, err)
	}
}

func TestAFileThatIsNotWhatItSaysIsInvalid(t *testing.T) {
	good := workbook(t, "x", []any{"a"})
	for name, tt := range map[string]struct {
		data []byte
		o    table.Options
	}{
		"no zip": {[]byte("PK\x03\x04nothing"), table.Options{}}, "cut workbook": {good[:len(good)/2], table.Options{}},
		"no such sheet": {good, table.Options{Sheet: "y"}}, "empty sheet": {good, table.Options{}},
		"no parquet": {[]byte("PAR1nothingPAR1"), table.Options{}}, "cut parquet": {parquetFile(t, row{})[:40], table.Options{}},
	} {
		if _, _, _, err := all(tt.data, tt.o); !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(workbook(f, "x", []any{"a", "b"}, []any{1, "2"}))
	f.Add(parquetFile(f, row{Device: "a", At: noon}))
	f.Add([]byte("{\"a\":1}\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if table.Sniff(data) == table.CSV {
			return
		}
		_, rows, _, _ := all(data, table.Options{Columns: []string{"a"}})
		for _, r := range rows {
			if len(r) == 0 {
				t.Fatal("a record without columns")
			}
		}
	})
}
