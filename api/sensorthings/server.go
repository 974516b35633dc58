package sensorthings

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"plinth"
	"plinth/api"
	"plinth/sensors"
)

// Root is where the service document lies.
const Root = "/sta/v1.1"

// Rows reads stored readings. where is a condition over the columns device, metric, at, seq, value, flags and rx with a ?
// for each of args; a reading counts once. Many goroutines may use it.
type Rows interface {
	// Observations returns at most limit readings for which where holds, in the order of an ORDER BY.
	Observations(ctx context.Context, where string, args []any, order string, limit int) ([]sensors.Reading, error)
	// CountObservations counts them.
	CountObservations(ctx context.Context, where string, args []any) (int64, error)
}

// Direct stores a device's readings and returns a fault for each that went to dead letters; see pipelines.Direct.
type Direct interface {
	Store(ctx context.Context, d *sensors.Device, rs []sensors.Reading) ([]sensors.Fault, error)
}

// Config is what the interface is made of.
type Config struct {
	Devices func() []*sensors.Device // in order of ids
	Device  func(id plinth.DeviceID) *sensors.Device
	Rows    Rows
	Direct  Direct
	Readers []plinth.Role // who may read observations; the rest is for anyone signed in
	Writers []plinth.Role // who may create them; a device its own alone
	Now     func() time.Time
}

// maxCreate is the most bytes of a body of observations.
const maxCreate = 16 << 20

// Routes are the interface's routes.
func Routes(c Config) []api.Route {
	s := &server{c, world{c.Devices, c.Device}}
	return []api.Route{
		{Method: "GET", Pattern: Root, Handler: http.HandlerFunc(s.document)},
		{Method: "GET", Pattern: Root + "/{path...}", Handler: http.HandlerFunc(s.get)},
		{Method: "POST", Pattern: Root + "/CreateObservations", Roles: c.Writers, MaxBody: maxCreate, Handler: http.HandlerFunc(s.create)},
	}
}

type server struct {
	Config
	world
}

// conformance are the requirement classes that are met.
var conformance = []string{"datamodel", "resource-path/resource-path-to-entities", "request-data", "data-array/data-array"}

func (s *server) document(w http.ResponseWriter, r *http.Request) {
	var sets, classes []any
	for _, name := range setNames {
		sets = append(sets, map[string]any{"name": name, "url": base(r) + "/" + name})
	}
	for _, c := range conformance {
		classes = append(classes, "http://www.opengis.net/spec/iot_sensing/1.1/req/"+c)
	}
	write(w, http.StatusOK, map[string]any{"value": sets, "serverSettings": map[string]any{"conformance": classes}})
}

// base is the absolute address of the service, as the caller sees it.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host + Root
}

// longest is how long one request may take.
const longest = 20 * time.Second

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	if strings.Trim(r.PathValue("path"), "/") == "" {
		s.document(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	q, err := parseRaw(r.URL.RawQuery)
	if err != nil {
		api.WriteError(w, r, err)
		return
	}
	a := &answer{server: s, ctx: ctx, base: base(r), now: s.Now(), entities: mostAnswer, reads: mostReads}
	t, err := a.walk(strings.Trim(r.PathValue("path"), "/"))
	if err == nil {
		err = a.give(w, t, q)
	}
	if err != nil {
		api.WriteError(w, r, err)
	}
}

// target is what a path leads to.
type target struct {
	set   string // of a collection, or of the entity
	path  string // as it stands after the root
	one   *entity
	items func() ([]entity, error) // of a collection in memory
	scope []string                 // of observations: conditions on device and metric
	args  []any
	prop  []string // of an entity
	raw   bool     // $value
	ref   bool     // $ref
}

var segment = regexp.MustCompile(`^([A-Za-z]+)(?:\((.*)\))?$`)

// walk follows a path.
func (a *answer) walk(path string) (target, error) {
	parts := strings.Split(path, "/")
	t, err := a.enter(parts[0])
	if err != nil {
		return t, err
	}
	t.path = "/" + parts[0]
	for i, part := range parts[1:] {
		last, before := i == len(parts)-2, t.path
		if t, err = a.step(t, part, last); err != nil {
			return t, err
		}
		if t.raw || t.ref {
			if !last {
				return t, plinth.Errorf(plinth.ErrNotFound, "nothing follows %s", part)
			}
			t.path = before
			break
		}
		t.path = before + "/" + part
	}
	return t, nil
}

// enter begins at a set, or at one of its entities.
func (a *answer) enter(part string) (target, error) {
	m := segment.FindStringSubmatch(part)
	if m == nil || kinds[m[1]] == nil {
		return target{}, plinth.Errorf(plinth.ErrNotFound, "there is no set %.40q", part)
	}
	t := target{set: m[1]}
	if t.set != "Observations" {
		t.items = func() ([]entity, error) { return a.all(t.set), nil }
	}
	if strings.Contains(part, "(") {
		return a.pick(t, m[2])
	}
	return t, nil
}

// pick takes one entity of a collection by its key.
func (a *answer) pick(t target, key string) (target, error) {
	id, ok := keyOf(key)
	if !ok {
		return t, plinth.Errorf(plinth.ErrNotFound, "the key %.80s is no id: ids are texts in single quotes", key)
	}
	if t.set == "Observations" {
		e, err := a.observation(id)
		return target{set: t.set, one: e}, err
	}
	e, found := a.find(t.set, id)
	if !found {
		return t, plinth.Errorf(plinth.ErrNotFound, "there is no %s %.80q", kinds[t.set].singular, id)
	}
	return target{set: t.set, one: &e}, nil
}

func keyOf(key string) (string, bool) {
	if len(key) < 3 || key[0] != '\'' || key[len(key)-1] != '\'' || len(key) > 300 {
		return "", false
	}
	return strings.ReplaceAll(key[1:len(key)-1], "''", "'"), true
}

// step goes one segment on.
func (a *answer) step(t target, part string, last bool) (target, error) {
	switch {
	case part == "$ref" && last:
		t.ref = true
		return t, nil
	case part == "$value" && last && t.prop != nil:
		t.raw = true
		return t, nil
	case t.one == nil:
		return t, plinth.Errorf(plinth.ErrNotFound, "%.40q does not follow a collection", part)
	case t.prop != nil:
		t.prop = append(t.prop, part)
		return t, nil
	}
	m := segment.FindStringSubmatch(part)
	if m != nil {
		if n, ok := t.one.kind.nav(m[1]); ok {
			return a.through(t, n, part, m[2])
		}
	}
	if _, ok := t.one.kind.props(*t.one)[part]; !ok && part != "@iot.id" {
		return t, plinth.Errorf(plinth.ErrNotFound, "a %s has neither a property nor a link %.40q", t.one.kind.singular, part)
	}
	t.prop = []string{part}
	return t, nil
}

// through follows a link of an entity.
func (a *answer) through(t target, n nav, part, key string) (target, error) {
	from := *t.one
	next := target{set: n.to, path: t.path}
	if n.to == "Observations" {
		next.scope, next.args = scopeOf(from)
		if strings.Contains(part, "(") {
			return a.pick(next, key)
		}
		return next, nil
	}
	items := a.follow(from, n)
	if !n.many {
		if len(items) == 0 {
			return next, plinth.Errorf(plinth.ErrNotFound, "there is no %s", n.name)
		}
		next.one = &items[0]
		return next, nil
	}
	next.items = func() ([]entity, error) { return items, nil }
	if !strings.Contains(part, "(") {
		return next, nil
	}
	id, _ := keyOf(key)
	for i := range items {
		if items[i].id == id {
			return target{set: n.to, path: t.path, one: &items[i]}, nil
		}
	}
	return next, plinth.Errorf(plinth.ErrNotFound, "there is no %s %.80s there", kinds[n.to].singular, key)
}

// scopeOf is the condition on the observations of a Datastream or of a FeatureOfInterest.
func scopeOf(e entity) ([]string, []any) {
	if e.metric != nil {
		return []string{"metric = ?", "device = ?"}, []any{e.metric.Name, string(e.dev.ID)}
	}
	return []string{"device = ?"}, []any{string(e.dev.ID)}
}
