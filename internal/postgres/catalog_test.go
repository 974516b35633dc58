package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plinth"
	"plinth/catalog"
	"plinth/internal/postgres"
)

type office struct {
	*catalog.Catalog
	db    *postgres.DB
	clock *clock
}

func newOffice(t *testing.T) office {
	t.Helper()
	db, c := open(t), newClock()
	return office{catalog.New(postgres.NewCatalog(db), catalog.Config{Now: c.now, Log: slog.New(slog.DiscardHandler)}), db, c}
}

func as(t *testing.T, account, department string, roles ...plinth.Role) context.Context {
	return plinth.WithPrincipal(t.Context(), plinth.Principal{Account: plinth.AccountID(account), Name: account,
		Department: plinth.AgentID(department), Roles: roles})
}

func steward(t *testing.T) context.Context {
	return as(t, "ac_steward", "databureau", plinth.RoleSteward)
}
func registrar(t *testing.T) context.Context {
	return as(t, "ac_registrar", "databureau", plinth.RoleRegistrar)
}
func analyst(t *testing.T) context.Context { return as(t, "ac_analyst", "civil", plinth.RoleAnalyst) }

func lifts(title string) catalog.Content {
	return catalog.Content{
		Title: catalog.Text{ZH: title, EN: "Lift inspections"}, Description: catalog.Text{ZH: "住宅小区电梯的定期检验结果"},
		Publisher: "market", Theme: "public-safety", Keywords: []string{"电梯", "检验"}, Grade: "general", Openness: "unconditional",
		Frequency: "monthly", Fields: []catalog.Field{
			{Name: "lift_id", Title: catalog.Text{ZH: "电梯编号"}, Type: "string", Grade: "general", Sensitivity: "none"},
			{Name: "inspected_on", Title: catalog.Text{ZH: "检验日期"}, Type: "date", Grade: "general", Sensitivity: "none"},
		}}
}

func (o office) create(t *testing.T, c catalog.Content) catalog.Dataset {
	t.Helper()
	d, err := o.Create(steward(t), c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// walk takes a registration through actions, each by whose turn it is.
func (o office) walk(t *testing.T, id plinth.RegistrationID, actions ...catalog.Action) catalog.Detail {
	t.Helper()
	var d catalog.Detail
	for _, a := range actions {
		ctx := registrar(t)
		if a == catalog.Submit || a == catalog.Cancel {
			ctx = steward(t)
		}
		var err error
		if d, err = o.Act(ctx, id, a, "because"); err != nil {
			t.Fatalf("%s: %v", a, err)
		}
	}
	return d
}

// noNotice makes registrations possible at once.
func (o office) noNotice(t *testing.T) {
	t.Helper()
	if err := o.AddRule(steward(t), catalog.Rule{Key: catalog.RuleNotice, Value: 0, Source: "test"}); err != nil {
		t.Fatal(err)
	}
}

var toRegistered = []catalog.Action{catalog.Submit, catalog.Accept, catalog.Review, catalog.Notice, catalog.Register}

func (o office) registered(t *testing.T, c catalog.Content) catalog.Dataset {
	t.Helper()
	d := o.create(t, c)
	o.walk(t, d.Registration, toRegistered...)
	d, err := o.Dataset(steward(t), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantKind(t *testing.T, err, kind error, what string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: got %v, want kind %v", what, err, kind)
	}
}

func TestLifeOfARegistration(t *testing.T) {
	o := newOffice(t)
	d := o.create(t, lifts("电梯检验信息"))
	if d.State != catalog.Draft || d.Code != "" || d.Revision != 0 || d.Registration == "" {
		t.Fatalf("new dataset: %+v", d)
	}
	if _, err := o.Dataset(analyst(t), d.ID); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("a draft is seen by an analyst: %v", err)
	}
	o.walk(t, d.Registration, catalog.Submit, catalog.Return)
	if _, err := o.Update(steward(t), d.ID, func(c catalog.Content) (catalog.Content, error) {
		c.Description.ZH = "更清楚的摘要"
		return c, nil
	}); err != nil {
		t.Fatal(err)
	}
	r := o.walk(t, d.Registration, catalog.Submit, catalog.Accept, catalog.Review, catalog.Notice)
	if r.State != catalog.PublicNotice {
		t.Fatalf("state is %s", r.State)
	}
	// Tuesday 24 November 2026 and five working days: the notice runs through Tuesday 1 December.
	if want := time.Date(2026, 12, 2, 0, 0, 0, 0, catalog.Shanghai); !r.DueAt.Equal(want) {
		t.Errorf("notice until %v, want %v", r.DueAt, want)
	}
	_, err := o.Act(registrar(t), d.Registration, catalog.Register, "")
	wantKind(t, err, plinth.ErrConflict, "registering before the notice has run out")
	o.walk(t, d.Registration, catalog.Object, catalog.Notice)
	o.clock.add(9 * 24 * time.Hour)
	o.walk(t, d.Registration, catalog.Register)

	got, err := o.Dataset(analyst(t), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != catalog.Registered || got.Code != "310107005/000001" || got.Revision != 1 || got.Description.ZH != "更清楚的摘要" ||
		!got.ValidUntil.Equal(o.clock.now().AddDate(3, 0, 0)) {
		t.Errorf("registered: %+v", got)
	}
	timeline, err := o.Timeline(steward(t), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, it := range timeline {
		acts = append(acts, strings.TrimPrefix(it.Action, "registration."))
		if it.Evidence != "pending" || it.Record == "" {
			t.Errorf("%s has no evidence: %+v", it.Action, it)
		}
	}
	want := strings.Fields("opened submitted returned submitted accepted reviewed noticed objected noticed registered")
	if diff := cmp.Diff(want, acts); diff != "" {
		t.Error(diff)
	}
	if n := count(t, o.db); n != len(want) {
		t.Errorf("got %d ledger records for %d steps", n, len(want))
	}
	o.clock.add(4 * 366 * 24 * time.Hour)
	if got, err := o.Dataset(analyst(t), d.ID); err != nil || got.State != catalog.Expired {
		t.Errorf("four years on: %v, %v", got.State, err)
	}
}

func TestRefusedChangeLeavesThePublishedViewUntouched(t *testing.T) {
	o := newOffice(t)
	o.noNotice(t)
	d := o.registered(t, lifts("电梯检验信息"))
	before, err := o.Dataset(analyst(t), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := o.Update(steward(t), d.ID, func(c catalog.Content) (catalog.Content, error) {
		c.Title.ZH, c.Openness, c.OpennessReason = "改名", "closed", "不再开放"
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		t.Helper()
		got, err := o.Dataset(analyst(t), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		got.UpdatedAt, got.Record = before.UpdatedAt, before.Record
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("%s the published view moved:\n%s", when, diff)
		}
		if hits, _, _ := o.Datasets(analyst(t), catalog.Filter{Query: "改名", Limit: 10}); len(hits) > 0 {
			t.Errorf("%s the proposal is found", when)
		}
	}
	look("after the edit")
	r := o.walk(t, changed.Registration, catalog.Submit, catalog.Accept, catalog.Review)
	want := []catalog.Change{{Field: "title.zh", Old: "电梯检验信息", New: "改名"}, {Field: "openness", Old: "unconditional", New: "closed"},
		{Field: "openness_reason", New: "不再开放"}}
	if diff := cmp.Diff(want, r.Changes); diff != "" {
		t.Error(diff)
	}
	look("in review")
	o.walk(t, changed.Registration, catalog.Reject)
	look("after the refusal")

	again, err := o.Update(steward(t), d.ID, func(c catalog.Content) (catalog.Content, error) { c.Title.ZH = "新名"; return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	o.walk(t, again.Registration, toRegistered...)
	got, err := o.Dataset(analyst(t), d.ID)
	if err != nil || got.Title.ZH != "新名" || got.Openness != "unconditional" || got.Revision != 2 || got.Code != before.Code {
		t.Errorf("after the approved change: %+v, %v", got, err)
	}
}

func TestConcurrentActsConflictCleanly(t *testing.T) {
	o := newOffice(t)
	d := o.create(t, lifts("电梯检验信息"))
	o.walk(t, d.Registration, catalog.Submit)
	var won, lost int
	var mu sync.Mutex
	var wg sync.WaitGroup
	ctx := registrar(t)
	for i := range 8 {
		wg.Go(func() {
			_, err := o.Act(ctx, d.Registration, []catalog.Action{catalog.Accept, catalog.Return}[i%2], "x")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, plinth.ErrConflict):
				lost++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 7 || count(t, o.db) != 3 {
		t.Errorf("won %d, lost %d, %d records; want 1, 7, 3", won, lost, count(t, o.db))
	}
}

func TestWhoMayNotAct(t *testing.T) {
	o := newOffice(t)
	d := o.create(t, lifts("电梯检验信息"))
	act := func(ctx context.Context, a catalog.Action, note string) error {
		_, err := o.Act(ctx, d.Registration, a, note)
		return err
	}
	edit := func(ctx context.Context, id plinth.DatasetID) error {
		_, err := o.Update(ctx, id, func(c catalog.Content) (catalog.Content, error) { c.Title.ZH = "x"; return c, nil })
		return err
	}
	other := as(t, "ac_other", "civil", plinth.RoleSteward)
	wantKind(t, act(registrar(t), catalog.Submit, ""), plinth.ErrDenied, "a registrar submitting")
	wantKind(t, act(steward(t), catalog.Accept, ""), plinth.ErrConflict, "accepting a draft")
	wantKind(t, act(steward(t), "burn", ""), plinth.ErrInvalid, "an action that does not exist")
	wantKind(t, act(analyst(t), catalog.Submit, ""), plinth.ErrNotFound, "an analyst")
	wantKind(t, act(other, catalog.Submit, ""), plinth.ErrNotFound, "another department's steward")
	wantKind(t, edit(other, d.ID), plinth.ErrNotFound, "another department's steward editing a draft")
	both := as(t, "ac_both", "databureau", plinth.RoleSteward, plinth.RoleRegistrar)
	if err := act(both, catalog.Submit, ""); err != nil {
		t.Fatal(err)
	}
	wantKind(t, act(both, catalog.Accept, ""), plinth.ErrDenied, "reviewing one's own submission")
	wantKind(t, act(registrar(t), catalog.Return, "  "), plinth.ErrInvalid, "returning without a reason")
	wantKind(t, edit(steward(t), d.ID), plinth.ErrConflict, "editing what is submitted")

	mine := lifts("民政数据")
	if _, err := o.Create(other, mine); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("creating for another department: %v", err)
	}
	o.noNotice(t)
	public := o.registered(t, lifts("电梯"))
	wantKind(t, edit(other, public.ID), plinth.ErrDenied, "changing another department's published dataset")
	wantKind(t, edit(steward(t), "ds_none"), plinth.ErrNotFound, "an unknown dataset")
	wantKind(t, edit(steward(t), "'; DROP TABLE dataset; --"), plinth.ErrNotFound, "SQL as an id")
}

func TestSearchFindsOneAndTwoCharacters(t *testing.T) {
	o := newOffice(t)
	o.noNotice(t)
	o.registered(t, lifts("电梯检验信息"))
	water := lifts("水质自动监测")
	water.Title.EN, water.Description.ZH, water.Keywords, water.Publisher = "Water quality", "河道水质（ＰＨ值）监测，每日更新", nil, "ecology"
	water.Fields = []catalog.Field{{Name: "ph", Title: catalog.Text{ZH: "酸碱度"}, Type: "decimal", Grade: "general", Sensitivity: "none"}}
	o.registered(t, water)
	for query, want := range map[string]int{"梯": 1, "电梯": 1, "梯检": 1, "检验信息": 1, "水": 1, "监测": 1, "测监": 0, "ph": 1, "PH值": 1, "quality": 1, "ualit": 1,
		"水质 监测": 1, "水质 电梯": 0, "信": 1, "310107005/": 1, "市场监管": 1, "": 2, "%": 0, "'": 0, "_": 1, `\`: 0, "电' OR 1=1 --": 0, "🙂": 0, "编号": 1,
		"' & !'": 0, "lift_id": 1, "\xff": 0} {
		hits, total, err := o.Datasets(analyst(t), catalog.Filter{Query: query, Limit: 10})
		if err != nil || len(hits) != want || total != want {
			t.Errorf("%q: %d hits of %d, %v; want %d", query, len(hits), total, err, want)
		}
	}
}

func TestSearchPutsTitlesFirst(t *testing.T) {
	o := newOffice(t)
	o.noNotice(t)
	titled := o.registered(t, lifts("噪声许可"))
	described := lifts("施工工地")
	described.Description.ZH = "含夜间噪声"
	newer := o.registered(t, described)
	hits, _, err := o.Datasets(analyst(t), catalog.Filter{Query: "噪声", Limit: 10})
	if err != nil || len(hits) != 2 || hits[0].ID != titled.ID || hits[1].ID != newer.ID {
		t.Errorf("got %d hits, the first %s, %v", len(hits), hits[0].Title.ZH, err)
	}
	second, total, err := o.Datasets(analyst(t), catalog.Filter{Query: "噪声", Limit: 1, Offset: 1})
	if err != nil || total != 2 || len(second) != 1 || second[0].ID != newer.ID {
		t.Errorf("second page: %d of %d, %v", len(second), total, err)
	}
	if _, _, err := o.Datasets(analyst(t), catalog.Filter{Query: strings.Repeat("a ", 11), Limit: 1}); !errors.Is(err, plinth.ErrInvalid) {
		t.Errorf("eleven words: %v", err)
	}
}

func TestSQLInEveryFieldIsJustText(t *testing.T) {
	o := newOffice(t)
	o.noNotice(t)
	bad := `'); DROP TABLE dataset; --`
	c := lifts(bad)
	c.Title.EN, c.Description = bad, catalog.Text{ZH: bad, EN: bad}
	c.Keywords = []string{bad}
	c.Fields[0].Title, c.Fields[0].Description, c.Fields[0].Standard = catalog.Text{ZH: bad, EN: bad}, bad, bad
	d := o.registered(t, c)
	if diff := cmp.Diff(c, d.Content); diff != "" {
		t.Error(diff)
	}
	l, err := o.PublishOpenList(steward(t), bad)
	if err != nil || l.Note != bad || l.Entries[0].Title.ZH != bad {
		t.Errorf("list: %+v, %v", l, err)
	}
	for _, f := range []catalog.Filter{{State: catalog.State(bad)}, {Openness: bad}, {Publisher: plinth.AgentID(bad)}, {Theme: bad}} {
		f.Limit = 10
		if hits, _, err := o.Datasets(steward(t), f); err != nil || len(hits) != 0 {
			t.Errorf("%+v: %d hits, %v", f, len(hits), err)
		}
	}
}

func TestContentThatBreaksARuleNamesTheField(t *testing.T) {
	o := newOffice(t)
	for _, tt := range []struct {
		field  string
		change func(*catalog.Content)
	}{
		{"title.zh", func(c *catalog.Content) { c.Title.ZH = "" }},
		{"title.zh", func(c *catalog.Content) { c.Title.ZH = strings.Repeat("长", 201) }},
		{"title.en", func(c *catalog.Content) { c.Title.EN = "=HYPERLINK()" }},
		{"title.zh", func(c *catalog.Content) { c.Title.ZH = "a\x07" }},
		{"description.zh", func(c *catalog.Content) { c.Description.ZH = "\xff" }},
		{"theme", func(c *catalog.Content) { c.Theme = "fun" }},
		{"publisher", func(c *catalog.Content) { c.Publisher = "nobody" }},
		{"openness", func(c *catalog.Content) { c.Openness = "maybe" }},
		{"table", func(c *catalog.Content) { c.Table = "plinth.event; DROP" }},
		{"keywords[2]", func(c *catalog.Content) { c.Keywords = append(c.Keywords, "") }},
		{"fields[0].name", func(c *catalog.Content) { c.Fields[0].Name = "电梯" }},
		{"fields[1].name", func(c *catalog.Content) { c.Fields[1].Name = "lift_id" }},
		{"fields[0].type", func(c *catalog.Content) { c.Fields[0].Type = "blob" }},
	} {
		c := lifts("电梯检验信息")
		tt.change(&c)
		_, err := o.Create(steward(t), c)
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != tt.field || !errors.Is(err, plinth.ErrInvalid) {
			t.Errorf("got %v, want field %s", err, tt.field)
		}
	}
	for _, tt := range []struct {
		field  string
		change func(*catalog.Content)
	}{
		{"fields", func(c *catalog.Content) { c.Fields = nil }},
		{"theme", func(c *catalog.Content) { c.Theme = "" }},
		{"grade", func(c *catalog.Content) { c.Fields[1].Grade = "important" }},
		{"openness", func(c *catalog.Content) { c.Fields[1].Sensitivity = "personal" }},
		{"opennessReason", func(c *catalog.Content) { c.Openness = "conditional" }},
		{"fields[1].sensitivity", func(c *catalog.Content) { c.Fields[1].Sensitivity = "" }},
	} {
		c := lifts("电梯检验信息")
		tt.change(&c)
		d := o.create(t, c) // a draft may be incomplete
		_, err := o.Act(steward(t), d.Registration, catalog.Submit, "")
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != tt.field {
			t.Errorf("submitting: got %v, want field %s", err, tt.field)
		}
	}
}

func TestOpenListIsFrozenNumberedAndTheSameBytes(t *testing.T) {
	o := newOffice(t)
	o.noNotice(t)
	if _, err := o.OpenList(t.Context(), 0); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	a := o.registered(t, lifts("电梯检验信息"))
	closed := lifts("不开放的")
	closed.Openness, closed.OpennessReason = "closed", "涉及公共安全"
	o.registered(t, closed)
	o.create(t, lifts("草稿"))

	first, err := o.PreviewOpenList(steward(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := o.PreviewOpenList(steward(t))
	if err != nil || string(first.CSV) != string(second.CSV) || string(first.JSONLD) != string(second.JSONLD) {
		t.Errorf("two previews differ, %v", err)
	}
	if _, err := o.PublishOpenList(as(t, "ac_x", "civil", plinth.RoleSteward), ""); !errors.Is(err, plinth.ErrDenied) {
		t.Errorf("another department publishes: %v", err)
	}
	one, err := o.PublishOpenList(steward(t), "第一期")
	if err != nil {
		t.Fatal(err)
	}
	if one.Number != 1 || one.SHA256 != first.SHA256 || len(one.Entries) != 1 || one.Entries[0].Code != a.Code ||
		!cmp.Equal(one.Added, []string{a.Code}) || one.Record == "" {
		t.Errorf("first list: %+v", one)
	}
	if !strings.HasPrefix(string(one.CSV), "\ufeff资源代码,资源名称") || !strings.Contains(string(one.CSV), "\r\n"+a.Code+",电梯检验信息,") {
		t.Errorf("CSV: %s", one.CSV)
	}
	_, err = o.PublishOpenList(steward(t), "")
	wantKind(t, err, plinth.ErrConflict, "publishing what has not changed")

	b := o.registered(t, lifts("水质"))
	changed, err := o.Update(steward(t), a.ID, func(c catalog.Content) (catalog.Content, error) { c.Frequency = "daily"; return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	o.walk(t, changed.Registration, toRegistered...)
	two, err := o.PublishOpenList(steward(t), "")
	if err != nil || !cmp.Equal(two.Added, []string{b.Code}) || !cmp.Equal(two.Changed, []string{a.Code}) || len(two.Removed) != 0 {
		t.Errorf("second list: added %v, changed %v, removed %v, %v", two.Added, two.Changed, two.Removed, err)
	}
	r, err := o.OpenRegistration(steward(t), b.ID, catalog.Cancellation, "停用")
	if err != nil {
		t.Fatal(err)
	}
	o.walk(t, r.ID, toRegistered...)
	if _, err := o.Dataset(analyst(t), b.ID); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("a cancelled dataset is public: %v", err)
	}
	three, err := o.PublishOpenList(steward(t), "")
	if err != nil || !cmp.Equal(three.Removed, []string{b.Code}) {
		t.Errorf("third list: removed %v, %v", three.Removed, err)
	}
	if again, err := o.OpenList(t.Context(), 1); err != nil || string(again.CSV) != string(one.CSV) {
		t.Errorf("the first list changed, %v", err)
	}
	if _, err := o.db.Exec(t.Context(), `UPDATE open_list SET note = 'x'`); err == nil {
		t.Error("a published list can be changed")
	}
	if c := o.registered(t, lifts("又一个")); c.Code == b.Code {
		t.Error("a code was given twice")
	}
}

func TestTimelinessIsMeasuredOnTheRows(t *testing.T) {
	o := newOffice(t)
	o.noNotice(t)
	c := lifts("电梯检验信息")
	c.Table, c.Frequency = "plinth.event", "daily"
	d := o.registered(t, c)
	if d.Timeliness != catalog.Unknown {
		t.Errorf("before measuring: %s", d.Timeliness)
	}
	table := fakeTable{until: o.clock.now(), rows: 12}
	if err := o.Measure(t.Context(), &table); err != nil {
		t.Fatal(err)
	}
	look := func() catalog.Dataset {
		d, err := o.Dataset(analyst(t), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := look(); d.Timeliness != catalog.OnTime || d.Rows != 12 || !d.DataUntil.Equal(table.until) {
		t.Errorf("measured: %+v", d)
	}
	o.clock.add(3 * 24 * time.Hour)
	if d := look(); d.Timeliness != catalog.Late {
		t.Errorf("three days on: %s", d.Timeliness)
	}
	n, err := o.Numbers(t.Context())
	want := catalog.Numbers{Datasets: 1, Registered: 1, Late: 1, TimelyDue: 1, Openable: 1}
	if err != nil || !cmp.Equal(n, want) {
		t.Errorf("numbers: %+v, %v", n, err)
	}
}

type fakeTable struct {
	until time.Time
	rows  int64
}

func (f *fakeTable) Measure(_ context.Context, table string) (catalog.Measurement, error) {
	if table != "plinth.event" {
		return catalog.Measurement{}, plinth.Errorf(plinth.ErrNotFound, "no such table")
	}
	return catalog.Measurement{Until: f.until, Rows: f.rows}, nil
}

func TestCreditCodesOfAgentsAreWellFormed(t *testing.T) {
	o := newOffice(t)
	all, err := o.Agents(t.Context())
	if err != nil || len(all) != 21 {
		t.Fatalf("%d agents, %v", len(all), err)
	}
	for _, a := range all {
		if err := catalog.CheckCreditCode(a.CreditCode); err != nil {
			t.Errorf("%s %s: %v", a.ID, a.CreditCode, err)
		}
	}
}

func TestWorkListHasTheOldestClockFirst(t *testing.T) {
	o := newOffice(t)
	var ids []plinth.RegistrationID
	for i := range 3 {
		d := o.create(t, lifts(fmt.Sprintf("资源%d", i)))
		ids = append(ids, d.Registration)
	}
	for _, i := range []int{1, 0} {
		o.walk(t, ids[i], catalog.Submit)
		o.clock.add(24 * time.Hour)
	}
	mine, total, err := o.Registrations(registrar(t), catalog.RegistrationFilter{Limit: 10}, true)
	if err != nil || total != 2 || len(mine) != 2 || mine[0].ID != ids[1] || mine[1].ID != ids[0] {
		t.Errorf("registrar's list: %d of %d, %v", len(mine), total, err)
	}
	if !cmp.Equal(mine[0].Actions, []catalog.Action{catalog.Accept, catalog.Return}) {
		t.Errorf("actions: %v", mine[0].Actions)
	}
	if hers, _, err := o.Registrations(steward(t), catalog.RegistrationFilter{Limit: 10}, true); err != nil || len(hers) != 1 || hers[0].ID != ids[2] {
		t.Errorf("steward's list: %v, %v", hers, err)
	}
}

func TestSeedFillsAnEmptyCatalogueOnce(t *testing.T) {
	o := newOffice(t)
	s := plinth.PrincipalFrom(steward(t))
	r := plinth.PrincipalFrom(registrar(t))
	for range 2 {
		if err := o.Seed(t.Context(), s, r); err != nil {
			t.Fatal(err)
		}
	}
	n, err := o.Numbers(t.Context())
	want := catalog.Numbers{Datasets: 9, Registered: 7, Open: 6, Opened: 6, Openable: 6, RegistrationsWaiting: 1, LatestOpenList: 1}
	if err != nil || !cmp.Equal(n, want) {
		t.Errorf("got %+v, %v; want %+v", n, err, want)
	}
	hits, _, err := o.Datasets(analyst(t), catalog.Filter{Query: "工单", Limit: 10})
	if err != nil || len(hits) != 1 || hits[0].Table != "plinth.event" {
		t.Fatalf("hits: %v, %v", hits, err)
	}
	d, err := postgres.NewPublished(o.db).Dataset(t.Context(), hits[0].ID)
	if err != nil || d.Table != "plinth.event" || d.Publisher != "opcentre" || len(d.Fields) != 12 || d.Revision != 1 {
		t.Errorf("as policy sees it: %+v, %v", d, err)
	}
	draft := o.create(t, lifts("草稿"))
	if _, err := postgres.NewPublished(o.db).Dataset(t.Context(), draft.ID); !errors.Is(err, plinth.ErrNotFound) {
		t.Errorf("a draft as policy sees it: got %v, want ErrNotFound", err)
	}
}

func TestCountsReadTheTables(t *testing.T) {
	o := newOffice(t)
	c := postgres.NewCounts(o.db)
	for name, count := range map[string]func(context.Context) (int64, error){"requests": c.RequestsWaiting, "alerts": c.AlertsOpen,
		"evidence": c.EvidencePending,
		"grants":   func(ctx context.Context) (int64, error) { return c.GrantsActive(ctx, o.clock.now()) }} {
		if n, err := count(t.Context()); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}
