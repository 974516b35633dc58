package pipelines

import (
	"encoding/json"
	"testing"
	"time"

	"plinth/pipelines/table"
)

func TestAPageIsReadByItsPointer(t *testing.T) {
	for _, tt := range []struct {
		body, pointer string
		want          int // records; -1 is a fault
	}{
		{`[1,{"a":1}]`, "", 2},
		{"\xEF\xBB\xBF[]", "", 0},
		{`{"data":{"items":[{}]}}`, "/data/items", 1},
		{`{"a/b":{"m~n":[{}]}}`, "/a~1b/m~0n", 1}, // RFC 6901 §3
		{`{"":[{}]}`, "/", 1},
		{`[[],[{},{}]]`, "/1", 2},
		{`[[],[]]`, "/01", -1},
		{`{"items":null}`, "/items", 0},
		{`{"items":{}}`, "/items", -1},
		{`{}`, "/items", -1},
		{`null`, "/items", -1},
		{`[1] [2]`, "", -1},
		{``, "", -1},
	} {
		got, err := pageRecords([]byte(tt.body), tt.pointer)
		if tt.want < 0 && err == nil || tt.want >= 0 && (err != nil || len(got) != tt.want) {
			t.Errorf("%s at %q: %d records, %v", tt.body, tt.pointer, len(got), err)
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"data":{"items":[{"at":"2026-11-24T12:00:00Z","v":1e400},[],"\ud800",null]}}`), "/data/items", "at")
	f.Add([]byte("[{\"a\":\"\xff\"}]"), "", "/a/0")
	f.Add([]byte(`[[{}]]`), "/0", "")
	f.Fuzz(func(t *testing.T, body []byte, pointer, field string) {
		if (&Endpoint{Records: pointer}).validNames() != nil {
			return
		}
		records, err := pageRecords(body, pointer)
		if err != nil {
			return
		}
		for _, raw := range records {
			tree, bad := pageRecord(raw)
			if (tree == nil) == (bad == nil) {
				t.Fatalf("%q is neither a record nor at fault, or both", raw)
			}
			if bad != nil {
				continue
			}
			if got := table.Record(tree, []string{field, "at"}); len(got) != 2 {
				t.Fatalf("%d columns", len(got))
			}
			for _, s := range []Scale{AsTime, AsNumber, AsText} {
				if v := fieldOf(tree, field); s.valid(v) && !s.valid(s.clamp(v, time.Unix(0, 0))) {
					t.Fatalf("%q clamped is no %s", v, s)
				}
			}
		}
		if !json.Valid(body) && len(body) > 3 && body[0] != 0xEF {
			t.Fatal("an answer that is no JSON was read")
		}
	})
}

func TestACursorGoesBackInTheFormItCameIn(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		scale                Scale
		value, overlap, want string
	}{
		{AsTime, "2026-11-24T12:00:00+08:00", "90s", "2026-11-24T11:58:30+08:00"},
		{AsTime, "2026-11-24 12:00:00", "", "2026-11-24 11:59:00"},
		{AsTime, "2026-11-24", "24h", "2026-11-23"},
		{AsTime, "2999-01-01T00:00:00Z", "0s", "2026-11-24T12:00:00Z"},
		{AsNumber, "100", "", "99"},
		{AsNumber, "100", "50", "50"},
		{AsText, "ab/9", "", "ab/9"},
	} {
		if got := tt.scale.back(tt.scale.clamp(tt.value, now), tt.overlap); got != tt.want {
			t.Errorf("%s less %q: %q, want %q", tt.value, tt.overlap, got, tt.want)
		}
	}
	if AsTime.compare("2026-11-24T12:00:00+08:00", "2026-11-24T05:00:00Z") >= 0 || AsNumber.compare("9", "10") >= 0 || AsText.compare("", "a") >= 0 {
		t.Error("values are not compared as what they are")
	}
	for _, v := range []string{"", "yesterday", "2026-13-01", "1e3"} {
		if AsTime.valid(v) || AsNumber.valid(v) {
			t.Errorf("%q is a cursor", v)
		}
	}
}
