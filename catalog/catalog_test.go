package catalog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/catalog"
)

func day(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, catalog.Shanghai)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDueCountsWorkingDaysInShanghai(t *testing.T) {
	c := catalog.Calendar{Moved: map[catalog.Day]bool{"2026-10-10": true}}
	for d := day("2026-10-01 00:00"); d.Before(day("2026-10-08 00:00")); d = d.AddDate(0, 0, 1) {
		c.Moved[catalog.DayOf(d)] = false
	}
	for _, tt := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-24 10:00", 0, "2026-11-24 10:00"},
		{"2026-11-24 10:00", 1, "2026-11-26 00:00"}, // the end of Wednesday
		{"2026-11-27 23:59", 1, "2026-12-01 00:00"}, // over a weekend
		{"2026-09-30 12:00", 1, "2026-10-09 00:00"}, // over the National Day
		{"2026-10-09 12:00", 1, "2026-10-11 00:00"}, // a Saturday that is worked
	} {
		if got := c.Due(day(tt.from), tt.n); !got.Equal(day(tt.want)) {
			t.Errorf("%d days from %s: got %s, want %s", tt.n, tt.from, got.In(catalog.Shanghai), tt.want)
		}
	}
	// 17:00 UTC is the next day in Shanghai.
	if got := catalog.DayOf(time.Date(2026, 11, 24, 17, 0, 0, 0, time.UTC)); got != "2026-11-25" {
		t.Errorf("got %s", got)
	}
}

func TestRulesAtTakesTheNewestVersionInForce(t *testing.T) {
	all := []catalog.Rule{{Key: "a", Version: 2, Value: 20, ValidFrom: day("2026-06-01 00:00")},
		{Key: "a", Version: 1, Value: 10, ValidFrom: day("2026-01-01 00:00")}}
	for at, want := range map[string]int{"2026-05-31 23:59": 10, "2026-06-01 00:00": 20} {
		if got := catalog.RulesAt(all, day(at))["a"]; got != want {
			t.Errorf("at %s: got %d, want %d", at, got, want)
		}
	}
	if _, err := catalog.RulesAt(all, day("2025-01-01 00:00")).Need("a"); !errors.Is(err, plinth.ErrUnavailable) {
		t.Errorf("before any version: %v", err)
	}
}

func TestJudge(t *testing.T) {
	r := catalog.Rules{catalog.RuleRealtime: 1, catalog.RuleDaily: 1, catalog.RuleWeekly: 7, catalog.RuleGrace: 1}
	now := day("2026-11-24 12:00")
	for _, tt := range []struct {
		frequency string
		until     time.Time
		want      catalog.Timeliness
	}{
		{"realtime", now.Add(-59 * time.Minute), catalog.OnTime},
		{"realtime", now.Add(-61 * time.Minute), catalog.Late},
		{"daily", now.Add(-47 * time.Hour), catalog.OnTime},
		{"daily", now.AddDate(0, 0, -5), catalog.Late},
		{"daily", day("2026-11-20 23:00"), catalog.Late},   // Friday's rows on Tuesday: due Saturday, with grace through Monday
		{"daily", day("2026-11-22 23:00"), catalog.OnTime}, // Sunday's: due Monday, with grace through Tuesday
		{"weekly", now.AddDate(0, 0, -7), catalog.OnTime},
		{"weekly", now.AddDate(0, 0, -12), catalog.Late},
		{"irregular", now.AddDate(-5, 0, 0), catalog.Unknown},
		{"daily", time.Time{}, catalog.Unknown},
	} {
		if got := catalog.Judge(tt.frequency, tt.until, now, r, catalog.Calendar{}); got != tt.want {
			t.Errorf("%s until %s: got %s, want %s", tt.frequency, tt.until, got, tt.want)
		}
	}
}

func TestCheckCreditCode(t *testing.T) {
	good := "91350100M000100Y43" // the example of GB 32100-2015
	if err := catalog.CheckCreditCode(good); err != nil {
		t.Error(err)
	}
	for i := range good {
		bad := []byte(good)
		bad[i] = "12"[bad[i]&1]
		if string(bad) != good && catalog.CheckCreditCode(string(bad)) == nil {
			t.Errorf("accepted %s", bad)
		}
	}
	for _, bad := range []string{"", good[1:], good + "0", strings.ToLower(good), "9135010OM000100Y43"} {
		if catalog.CheckCreditCode(bad) == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestGramsCutRunsAndFold(t *testing.T) {
	if diff := cmp.Diff([]string{"水", "质", "水质", "p", "h", "ph", "监", "测", "监测"}, catalog.Grams("水质（ＰＨ）监测")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"水质", "质监", "p"}, catalog.QueryGrams("水质监 P")); diff != "" {
		t.Error(diff)
	}
}

// FuzzGrams holds the promise that lets grams stand between quotes in a search: letters and digits alone; and the one
// that makes the index complete: what a text holds is found by its grams.
func FuzzGrams(f *testing.F) {
	for _, s := range []string{"水质' & !\\x", "ǅ", "e\u0301", "１２", "\xff", "🙂", "İ"} {
		f.Add(s, "水")
	}
	f.Fuzz(func(t *testing.T, text, query string) {
		for _, g := range append(catalog.Grams(text), catalog.QueryGrams(query)...) {
			if g == "" || !utf8.ValidString(g) || strings.ContainsFunc(g, func(r rune) bool {
				return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
			}) {
				t.Errorf("gram %q of %q or %q", g, text, query)
			}
		}
		grams := catalog.Grams(text)
		for _, term := range catalog.Terms(query) {
			if !strings.Contains(catalog.Fold(text), term) {
				continue
			}
			for _, g := range catalog.QueryGrams(term) {
				if !slices.Contains(grams, g) {
					t.Errorf("%q holds %q but not its gram %q", text, term, g)
				}
			}
		}
	})
}

func TestDiffNamesWhatChanges(t *testing.T) {
	old := catalog.Content{Title: catalog.Text{ZH: "甲"}, Keywords: []string{"一"}, Fields: []catalog.Field{
		{Name: "a", Title: catalog.Text{ZH: "子"}, Type: "string"}, {Name: "gone", Title: catalog.Text{ZH: "丑"}, Type: "string"}}}
	next := old
	next.Title.ZH, next.Keywords = "乙", []string{"一", "二"}
	next.Fields = []catalog.Field{{Name: "a", Title: catalog.Text{ZH: "子"}, Type: "integer"}, {Name: "new", Title: catalog.Text{ZH: "寅"}}}
	var fields []string
	for _, c := range catalog.Diff(old, next) {
		fields = append(fields, c.Field)
	}
	if diff := cmp.Diff([]string{"title.zh", "keywords", "fields.a", "fields.new", "fields.gone"}, fields); diff != "" {
		t.Error(diff)
	}
	if got := catalog.Diff(old, old); len(got) != 0 {
		t.Errorf("of itself: %v", got)
	}
	if old.Digest() == next.Digest() || old.Digest() != old.Digest() {
		t.Error("digest")
	}
}

func TestEveryStateButTheEndsWaitsOnSomebody(t *testing.T) {
	for _, s := range []catalog.State{catalog.Draft, catalog.Submitted, catalog.Returned, catalog.Accepted, catalog.InReview,
		catalog.PublicNotice, catalog.Registered, catalog.Rejected, catalog.Withdrawn} {
		r := catalog.Registration{State: s, Publisher: "market", Submitter: "ac_1"}
		var some bool
		for _, role := range []plinth.Role{plinth.RoleSteward, plinth.RoleRegistrar} {
			p := plinth.Principal{Account: "ac_2", Department: "databureau", Roles: []plinth.Role{role}}
			can := len(r.Actions(p, catalog.Scope{Authority: "databureau"})) > 0
			some = some || can
			if s.WaitsOn() == role && !can {
				t.Errorf("%s waits on %s, who can do nothing", s, role)
			}
		}
		if some == s.Ended() || (s.WaitsOn() == "") != s.Ended() {
			t.Errorf("%s: ended %v, somebody can act %v, waits on %q", s, s.Ended(), some, s.WaitsOn())
		}
	}
}
