package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plinth"
	"plinth/internal/postgres"
	"plinth/pipelines"
)

func (l *lab) importer() *pipelines.Importer {
	return &pipelines.Importer{Sink: l.sink, Known: l.sink, Runs: postgres.NewPipelines(l.pg), Registry: l.registry, Meter: l.meter,
		Now: time.Now, Log: l.log}
}

func mapping(t *testing.T, name string) *pipelines.Mapping {
	t.Helper()
	all, err := pipelines.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	if all[name] == nil {
		t.Fatalf("no mapping %s", name)
	}
	return all[name]
}

type counts struct{ In, Stored, Known, Dead int64 }

func (l *lab) imports(t *testing.T, name, file, body string) counts {
	t.Helper()
	run, err := l.importer().Import(t.Context(), strings.NewReader(body), mapping(t, name), pipelines.ImportOptions{Name: file, By: "acc_test"})
	if err != nil {
		t.Fatal(err)
	}
	return counts{run.In, run.Stored, run.Known, run.Dead}
}

const complaints = "留言编号,留言用户,留言主题,留言时间,留言详情,反对数,点赞数\r\n"

func TestABadRowIsNamedAndTheGoodOnesAreStored(t *testing.T) {
	l := newLab(t)
	body := complaints +
		"1,A1,路灯不亮,2019/2/28 11:25:05,\"\n\t晚上很黑，\n请修\",0,1\r\n" +
		"2,A2,噪声,43499.5,夜里施工,0,0\r\n" + // a spreadsheet's serial day
		"3,A3,噪声,yesterday,夜里施工,0,0\r\n" +
		"4,A4,噪声,2019-01-08 10:00:00,夜里施工,x,0\r\n" +
		"5,A5,噪声\r\n" +
		"6,A6,\xff\xfe,2019-01-08 10:00:00,夜里施工,0,0\r\n" +
		",A7,噪声,2019-01-08 10:00:00,夜里施工,0,0\r\n" +
		"8,A8,\"噪\"声,2019-01-08 10:00:00,夜里施工,0,0\r\n" +
		"9,A9,'; DROP TABLE plinth.event; --,2019-01-08 10:00:00,夜里施工,0,0\r\n" +
		"10,A10,噪声,2019-01-08 10:00:00,\"never closed,0,0\r\n" +
		"11,A11,噪声,2019-01-08 10:00:00,夜里施工,0,0"
	want := counts{In: 11, Stored: 4, Dead: 7}
	if got := l.imports(t, "hotline-complaints", "c.csv", body); got != want {
		t.Fatalf("first import %+v, want %+v", got, want)
	}
	got, err := l.sink.Letters(t.Context(), pipelines.LetterFilter{Source: "c.csv"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for _, d := range got {
		places[fmt.Sprintf("%d %s", d.Row, d.Field)] = d.Reason
	}
	for _, place := range []string{"4 留言时间", "5 反对数", "6 row", "7 留言主题", "8 留言编号", "9 row", "11 row"} {
		if places[place] == "" {
			t.Errorf("no dead letter at %s; there are %v", place, places)
		}
	}
	known, err := l.sink.ByID(t.Context(), "hotline-complaints", []string{"2", "9"})
	if err != nil {
		t.Fatal(err)
	}
	if at := known["2"].At; !at.Equal(time.Date(2019, 2, 3, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("serial day read as %s", at)
	}

	again := counts{In: 11, Known: 4, Dead: 7}
	if got := l.imports(t, "hotline-complaints", "c.csv", body); got != again {
		t.Errorf("second import %+v, want %+v", got, again)
	}
	if n := l.count(t, `SELECT count() FROM plinth.event`); n != 4 {
		t.Errorf("%d events after two imports, want 4", n)
	}
	if n := l.count(t, `SELECT count() FROM plinth.dead_letter FINAL`); n != 7 {
		t.Errorf("%d dead letters after two imports, want 7", n)
	}
}

func TestAnEncodingIsRecognised(t *testing.T) {
	l := newLab(t)
	row := "1,A1,路灯不亮,2019/2/28 11:25:05,请修,0,1\n"
	gbk := "\xc1\xf4\xd1\xd4\xb1\xe0\xba\xc5" // 留言编号
	if got := l.imports(t, "hotline-complaints", "bom.csv", "\xef\xbb\xbf"+complaints+row); got.Stored != 1 {
		t.Errorf("with a byte order mark: %+v", got)
	}
	_, err := l.importer().Import(t.Context(), strings.NewReader(gbk+",a\n1,2\n"), mapping(t, "hotline-complaints"),
		pipelines.ImportOptions{Name: "gbk.csv", By: "acc_test"})
	if err == nil || strings.Contains(err.Error(), `"留言编号" of the mapping`) || !strings.Contains(err.Error(), "留言编号,a") {
		t.Errorf("GB 18030: %v; want the header read as 留言编号,a", err)
	}
}

func TestAFileThatDoesNotFitIsRefusedWhole(t *testing.T) {
	l := newLab(t)
	for name, body := range map[string]string{"empty": "", "other columns": "a,b\n1,2\n", "binary": "\x00\x01\x02\"\x03"} {
		run, err := l.importer().Import(t.Context(), strings.NewReader(body), mapping(t, "nyc311"), pipelines.ImportOptions{Name: name, By: "a"})
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != "header" || run.State != pipelines.Failed || run.Error == "" {
			t.Errorf("%s: %v, run %+v; want the header refused", name, err, run)
		}
	}
}

func TestTheCitysFilesComeInTwiceAsOnce(t *testing.T) {
	data := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the public samples are not here")
	}
	l := newLab(t)
	for _, tt := range []struct {
		mapping, file string
		want, again   counts
	}{
		{"hotline-complaints", "hotline/complaints.csv", counts{2109, 2109, 0, 0}, counts{2109, 0, 2109, 0}},
		{"hotline-replies", "hotline/replies.csv", counts{1926, 1926, 0, 0}, counts{1926, 0, 1926, 0}},
		{"nyc311", "hotline/nyc311.csv", counts{500, 500, 0, 0}, counts{500, 0, 500, 0}},
		{"series", "series/realAWSCloudwatch/ec2_network_in_5abac7.csv", counts{4730, 4724, 6, 0}, counts{4730, 0, 4730, 0}},
		{"series", "series/realTraffic/TravelTime_387.csv", counts{2500, 2500, 0, 0}, counts{2500, 0, 2500, 0}},
	} {
		for i, want := range []counts{tt.want, tt.again} {
			f, err := os.Open(filepath.Join(data, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			run, err := l.importer().Import(t.Context(), f, mapping(t, tt.mapping), pipelines.ImportOptions{Name: filepath.Base(tt.file), By: "a"})
			f.Close()
			if got := (counts{run.In, run.Stored, run.Known, run.Dead}); err != nil || got != want {
				t.Errorf("%s, import %d: %+v, %v; want %+v", tt.file, i+1, got, err, want)
			}
		}
	}
	if d := l.registry.Device("ec2_network_in_5abac7"); d == nil || d.Kind != "series" {
		t.Errorf("the series' device is %+v", d)
	}
}

func TestAnImportWaitsForClickHouse(t *testing.T) {
	l := newLab(t)
	l.clickhouse.kill(t)
	done := make(chan counts, 1)
	go func() {
		run, _ := l.importer().Import(context.Background(), strings.NewReader(complaints+"1,A1,路灯,2019/2/28 11:25:05,请修,0,1\n"),
			mapping(t, "hotline-complaints"), pipelines.ImportOptions{Name: "w.csv", By: "a"})
		done <- counts{run.In, run.Stored, run.Known, run.Dead}
	}()
	l.clickhouse.start(t)
	if d := cmp.Diff(counts{1, 1, 0, 0}, <-done, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}
