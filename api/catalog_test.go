package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"plinth"
	"plinth/api"
	pb "plinth/api/plinth/v1"
	"plinth/catalog"
	"plinth/internal/postgres"
	"plinth/internal/stack/stacktest"
	"plinth/security"
	"plinth/sensors"
	"plinth/sensors/pack"
)

// TestMain knows the kinds of devices from the packs that ship, as the service does.
func TestMain(m *testing.M) {
	packs, err := pack.Load("")
	if err != nil {
		panic(err)
	}
	sensors.UseKinds(packs.Kinds())
	stacktest.Main(m)
}

// bureau is a house with the catalogue and real accounts.
type bureau struct {
	house
	tokens map[string]string
}

func openBureau(t *testing.T) *bureau {
	t.Helper()
	db, err := postgres.Open(t.Context(), stacktest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	log := slog.New(slog.DiscardHandler)
	store := postgres.NewAccounts(db)
	accounts := security.NewAccounts(store, store, time.Now, log)
	cat := catalog.New(postgres.NewCatalog(db), catalog.Config{Now: time.Now, Log: log})
	ctx, stop := context.WithCancel(context.Background())
	s, err := api.New(ctx, api.Config{Log: log, Auth: accounts, Keys: postgres.NewKeys(db, time.Now), Routes: api.OpenListRoutes(cat),
		Services: []api.Service{api.NewAuth(accounts, cat), api.NewCatalog(cat), api.NewSystem(api.System{Now: time.Now, Log: log,
			Engines: func() []api.EngineState { return []api.EngineState{{Name: "postgres", Ready: true}} },
			Figures: []api.Figure{api.CatalogFigure(cat), {Name: "broken", Read: func(context.Context, *pb.Overview) error {
				return plinth.Errorf(plinth.ErrUnavailable, "away")
			}}}})}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-done })
	b := &bureau{house: house{url: "http://" + l.Addr().String()}, tokens: map[string]string{}}
	b.enter(t, accounts)
	return b
}

// enter signs in every first account over REST.
func (b *bureau) enter(t *testing.T, accounts *security.Accounts) {
	t.Helper()
	logins, err := accounts.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logins {
		a := b.call(t, "", "POST", "/v1/auth/signin", fmt.Sprintf(`{"login":%q,"password":%q}`, l.Login, l.Password))
		var out struct{ Token string }
		if err := json.Unmarshal([]byte(a.body), &out); err != nil || out.Token == "" {
			t.Fatalf("sign in as %s: %d %s", l.Login, a.status, a.body)
		}
		b.tokens[l.Login] = out.Token
	}
}

// as calls as an account and wants the status.
func (b *bureau) as(t *testing.T, who string, status int, method, path, body string, headers ...string) map[string]any {
	t.Helper()
	a := b.call(t, b.tokens[who], method, path, body, headers...)
	if a.status != status {
		t.Fatalf("%s %s as %s: got %d, want %d: %s", method, path, who, a.status, status, a.body)
	}
	out := map[string]any{}
	_ = json.Unmarshal([]byte(a.body), &out) // a file is not JSON
	return out
}

const newDataset = `{"title":{"zh":"电梯检验信息","en":"Lift inspections"},"description":{"zh":"检验结果"},"publisher":"market","theme":"public-safety",
	"grade":"general","openness":"unconditional","frequency":"monthly","fields":[{"name":"lift_id","title":{"zh":"电梯编号"},"type":"string","grade":"general","sensitivity":"none"}]}`

func TestStewardRegistersAndPublishesOverREST(t *testing.T) {
	b := openBureau(t)
	me := b.as(t, "steward", 200, "GET", "/v1/auth/me", "")
	if me["login"] != "steward" || me["departmentName"] != "区数据局" {
		t.Errorf("me: %v", me)
	}
	d := b.as(t, "steward", 200, "POST", "/v1/datasets", newDataset, "Idempotency-Key", "first")
	again := b.as(t, "steward", 200, "POST", "/v1/datasets", newDataset, "Idempotency-Key", "first")
	if d["id"] == "" || d["id"] != again["id"] {
		t.Errorf("the same key made two datasets: %v, %v", d["id"], again["id"])
	}
	id, reg := d["id"].(string), d["registrationId"].(string)
	b.as(t, "analyst", 404, "GET", "/v1/datasets/"+id, "")
	b.as(t, "analyst", 403, "GET", "/v1/registrations/"+reg, "")
	b.as(t, "provider", 404, "GET", "/v1/registrations/"+reg, "")
	b.as(t, "steward", 200, "PATCH", "/v1/datasets/"+id, `{"id":"`+id+`","frequency":"weekly"}`)
	if e := b.as(t, "steward", 400, "PATCH", "/v1/datasets/"+id, `{"state":"registered"}`); e["field"] != "updateMask" {
		t.Errorf("setting the state: %v", e)
	}
	if e := b.as(t, "steward", 400, "PATCH", "/v1/datasets/"+id, `{"theme":"x"}`); e["field"] != "theme" {
		t.Errorf("unknown theme: %v", e)
	}
	b.as(t, "registrar", 403, "PATCH", "/v1/datasets/"+id, `{"frequency":"daily"}`)
	act := func(who string, status int, action string) map[string]any {
		return b.as(t, who, status, "POST", "/v1/registrations/"+reg+":act", `{"action":"`+action+`"}`)
	}
	act("steward", 200, "submit")
	act("steward", 403, "accept")
	act("registrar", 400, "return")
	act("registrar", 200, "accept")
	act("registrar", 409, "accept")
	act("registrar", 200, "review")
	r := act("registrar", 200, "notice")
	if r["state"] != "public_notice" || r["dueAt"] == nil {
		t.Errorf("registration: %v", r)
	}
	if e := act("registrar", 409, "register"); !strings.Contains(fmt.Sprint(e["message"]), "public notice") {
		t.Errorf("too early: %v", e)
	}
	list := b.as(t, "steward", 200, "POST", "/v1/openlists", `{}`)
	if list["number"] != float64(1) || list["entries"] != float64(0) {
		t.Errorf("list: %v", list)
	}
	csv := b.call(t, "", "GET", "/open/1.csv", "")
	if csv.status != 200 || !strings.HasPrefix(csv.body, "\ufeff资源代码") || csv.Get("ETag") == "" {
		t.Errorf("csv: %d %q", csv.status, csv.body)
	}
	if a := b.call(t, "", "GET", "/open/latest.csv", "", "If-None-Match", csv.Get("ETag")); a.status != 304 {
		t.Errorf("with the tag: %d", a.status)
	}
	if a := b.call(t, "", "GET", "/open/1.jsonld", ""); a.status != 200 || a.Get("Content-Type") != "application/ld+json" || !json.Valid([]byte(a.body)) {
		t.Errorf("jsonld: %d %s", a.status, a.body)
	}
	for _, file := range []string{"2.csv", "0.csv", "01.csv", "-1.csv", "1.xlsx", "latest", "9999999999999.csv", "1.csv%00"} {
		if a := b.call(t, "", "GET", "/open/"+file, ""); a.status != 404 || a.Code != "not_found" {
			t.Errorf("%s: %d %s", file, a.status, a.body)
		}
	}
}

func TestOverviewNamesWhatIsMissing(t *testing.T) {
	b := openBureau(t)
	o := b.as(t, "analyst", 200, "GET", "/v1/overview", "")
	if fmt.Sprint(o["missing"]) != "[broken]" || o["datasets"] != "0" {
		t.Errorf("overview: %v", o)
	}
	if e := b.as(t, "analyst", 200, "GET", "/v1/engines", ""); len(e["engines"].([]any)) != 1 {
		t.Errorf("engines: %v", e)
	}
}

func TestTokensAndAccountsOverREST(t *testing.T) {
	b := openBureau(t)
	made := b.as(t, "analyst", 200, "POST", "/v1/auth/tokens", `{"name":"notebook","scopes":["analyst"],"validDays":7}`)
	b.tokens["notebook"] = made["secret"].(string)
	b.as(t, "notebook", 200, "GET", "/v1/auth/me", "")
	id := made["token"].(map[string]any)["id"].(string)
	b.as(t, "steward", 404, "POST", "/v1/auth/tokens/"+id+":revoke", `{}`)
	b.as(t, "analyst", 200, "POST", "/v1/auth/tokens/"+id+":revoke", `{}`)
	b.as(t, "notebook", 401, "GET", "/v1/auth/me", "")
	b.as(t, "analyst", 403, "GET", "/v1/accounts", "")
	b.as(t, "operator", 200, "GET", "/v1/accounts?page_size=3", "")
	if e := b.as(t, "operator", 400, "GET", "/v1/accounts?page_size=1001", ""); e["field"] != "pageSize" {
		t.Errorf("page size: %v", e)
	}
	if e := b.as(t, "operator", 400, "GET", "/v1/accounts?page_token=abc", ""); e["field"] != "pageToken" {
		t.Errorf("page token: %v", e)
	}
	account := `{"login":"second","name":"二号","department":"%s","roles":["analyst"],"password":"a long enough password"}`
	if e := b.as(t, "operator", 400, "POST", "/v1/accounts", fmt.Sprintf(account, "nowhere")); e["field"] != "department" {
		t.Errorf("unknown department: %v", e)
	}
	a := b.as(t, "operator", 200, "POST", "/v1/accounts", fmt.Sprintf(account, "health"))
	if strings.Contains(fmt.Sprint(a), "long enough") {
		t.Errorf("the answer holds the password: %v", a)
	}
	b.as(t, "operator", 200, "POST", "/v1/accounts/"+a["id"].(string)+":disable", `{}`)
	b.as(t, "steward", 200, "POST", "/v1/auth/signout", `{}`)
	b.as(t, "steward", 401, "GET", "/v1/auth/me", "")
}

func FuzzRESTBodyNeverBreaksTheServer(f *testing.F) {
	for _, seed := range []string{newDataset, `{"a":1,"a":2}`, `[`, "\xff", `{"fields":[{"name":null}]}`, `null`, `{"title":1e999}`, `{"created_at":"x"}`} {
		f.Add(seed)
	}
	h := open(f)
	f.Fuzz(func(t *testing.T, body string) {
		if a := h.call(t, "steward", "POST", "/v1/datasets", body); a.status >= 500 {
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	})
}
