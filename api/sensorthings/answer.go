package sensorthings

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"plinth"
)

// Limits of one answer.
const (
	mostAnswer = 30_000 // entities, those of expansions too
	mostReads  = 200    // questions to the store
)

// answer is one request on its way. One goroutine uses it.
type answer struct {
	*server
	ctx      context.Context
	base     string
	now      time.Time
	entities int // that may still be added
	reads    int // questions that may still be asked
}

// give writes what a target is.
func (a *answer) give(w http.ResponseWriter, t target, q query) error {
	if t.one == nil {
		return a.giveCollection(w, t, q)
	}
	if t.ref {
		write(w, http.StatusOK, map[string]any{"@iot.selfLink": a.self(*t.one)})
		return nil
	}
	if t.prop != nil {
		return a.giveProperty(w, t)
	}
	out, err := a.entity(*t.one, q)
	if err == nil {
		write(w, http.StatusOK, out)
	}
	return err
}

// giveProperty writes one property as JSON, or bare for $value.
func (a *answer) giveProperty(w http.ResponseWriter, t target) error {
	var v any = t.one.id
	if t.prop[0] != "@iot.id" {
		v = t.one.kind.props(*t.one)[t.prop[0]]
	}
	for _, part := range t.prop[1:] {
		m, _ := v.(map[string]any)
		inner, ok := m[part]
		if !ok {
			return plinth.Errorf(plinth.ErrNotFound, "there is nothing at %.80s", strings.Join(t.prop, "/"))
		}
		v = inner
	}
	if !t.raw {
		write(w, http.StatusOK, map[string]any{t.prop[len(t.prop)-1]: encoded(v)})
		return nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch x := encoded(v).(type) {
	case string:
		_, _ = w.Write([]byte(x))
	default:
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		_, _ = w.Write(b)
	}
	return nil
}

func (a *answer) giveCollection(w http.ResponseWriter, t target, q query) error {
	p, err := a.page(t, q)
	if err != nil {
		return err
	}
	out := map[string]any{}
	if q.count {
		out["@iot.count"] = p.count
	}
	if p.token != "" {
		out["@iot.nextLink"] = a.base + escapePath(t.path) + refPart(t) + "?" + q.next(p.token)
	}
	switch {
	case t.ref:
		refs := []any{}
		for _, e := range p.items {
			refs = append(refs, map[string]any{"@iot.selfLink": a.self(e)})
		}
		out["value"] = refs
	case q.dataArray:
		out["value"], err = a.arrays(t, p.items, q)
	default:
		out["value"], err = a.list(p.items, q)
	}
	if err == nil {
		write(w, http.StatusOK, out)
	}
	return err
}

func refPart(t target) string {
	if t.ref {
		return "/$ref"
	}
	return ""
}

func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

func (a *answer) list(items []entity, q query) ([]any, error) {
	out := make([]any, 0, len(items))
	for _, e := range items {
		m, err := a.entity(e, q)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (a *answer) self(e entity) string {
	return a.base + escapePath("/"+e.kind.name+"('"+strings.ReplaceAll(e.id, "'", "''")+"')")
}

// entity is the JSON of an entity: annotations, what is selected of its properties and links, and what is expanded.
func (a *answer) entity(e entity, q query) (map[string]any, error) {
	if a.entities--; a.entities < 0 {
		return nil, plinth.Errorf(plinth.ErrExhausted, "the answer would have more than %d entities; ask for fewer with $top", mostAnswer)
	}
	props := e.kind.props(e)
	for _, name := range q.selected {
		_, linked := e.kind.nav(name)
		if _, ok := props[name]; !ok && !linked && name != "id" && name != "@iot.id" {
			return nil, plinth.Invalid("$select", "a %s has no property %.40s", e.kind.singular, name)
		}
	}
	chosen := func(name string) bool { return len(q.selected) == 0 || slices.Contains(q.selected, name) }
	out := map[string]any{}
	self := a.self(e)
	if len(q.selected) == 0 || slices.Contains(q.selected, "id") || slices.Contains(q.selected, "@iot.id") {
		out["@iot.id"], out["@iot.selfLink"] = e.id, self
	}
	for name, v := range props {
		if chosen(name) {
			out[name] = encoded(v)
		}
	}
	for _, n := range e.kind.navs {
		if chosen(n.name) {
			out[n.name+"@iot.navigationLink"] = self + "/" + n.name
		}
	}
	for _, x := range q.expand {
		if err := a.expand(out, e, x, self); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// expand adds what a link leads to.
func (a *answer) expand(out map[string]any, e entity, x expansion, self string) error {
	n, ok := e.kind.nav(x.nav)
	if !ok {
		return plinth.Invalid("$expand", "a %s has no link %.40s", e.kind.singular, x.nav)
	}
	delete(out, n.name+"@iot.navigationLink")
	t, err := a.through(target{one: &e}, n, n.name, "")
	if err != nil {
		out[n.name] = nil
		return nil // a link to one that there is not
	}
	if t.one != nil {
		out[n.name], err = a.entity(*t.one, x.query)
		return err
	}
	p, err := a.page(t, x.query)
	if err != nil {
		return err
	}
	if x.count {
		out[n.name+"@iot.count"] = p.count
	}
	if p.token != "" {
		out[n.name+"@iot.nextLink"] = self + "/" + n.name + "?" + x.next(p.token)
	}
	out[n.name], err = a.list(p.items, x.query)
	return err
}

// page is a part of a collection. token leads to the rest; it is empty when there is none.
type page struct {
	items []entity
	count int64
	token string
}

func (a *answer) page(t target, q query) (page, error) {
	if t.set == "Observations" {
		return a.observations(t, q)
	}
	if q.dataArray {
		return page{}, plinth.Invalid("$resultFormat", "dataArray is for observations")
	}
	items, err := t.items()
	if err != nil {
		return page{}, err
	}
	if items, err = a.filtered(items, q); err != nil {
		return page{}, err
	}
	if err := a.sort(items, q); err != nil {
		return page{}, err
	}
	p := page{count: int64(len(items))}
	from, err := place(items, q)
	if err != nil {
		return p, err
	}
	top := min(q.top, mostEntities)
	end := min(len(items), from+top)
	p.items = items[from:end]
	if end < len(items) && (top > 0 || !q.topped) {
		p.token = tokenAfter(items, end, q)
	}
	return p, nil
}

// place is where a page begins: after the skipped, or after the key or the place of the token.
func place(items []entity, q query) (int, error) {
	if q.token == "" {
		return min(q.skip, len(items)), nil
	}
	kind, rest := q.token[:1], q.token[1:]
	if kind == "k" && len(q.orderby) == 0 {
		at, found := slices.BinarySearchFunc(items, rest, func(e entity, id string) int { return cmp.Compare(e.id, id) })
		if found {
			at++
		}
		return at, nil
	}
	n, err := strconv.Atoi(rest)
	if kind != "o" || err != nil || n < 0 {
		return 0, plinth.Invalid("$skiptoken", "is not one that this server gave")
	}
	return min(n, len(items)), nil
}

func tokenAfter(items []entity, end int, q query) string {
	if len(q.orderby) == 0 && end > 0 {
		return "k" + items[end-1].id // stays right when entities come and go
	}
	return "o" + strconv.Itoa(end)
}

func (a *answer) filtered(items []entity, q query) ([]entity, error) {
	if q.filter == nil {
		return items, nil
	}
	v := evaluator{world: a.world, text: q.filterText, now: a.now}
	out := items[:0:0]
	for i, e := range items {
		if i%256 == 0 && a.ctx.Err() != nil {
			return nil, a.ctx.Err()
		}
		ok, err := v.matches(q.filter, e)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, e)
		}
	}
	return out, nil
}

// sort orders by the terms and then by id.
func (a *answer) sort(items []entity, q query) error {
	if len(q.orderby) == 0 || len(items) == 0 {
		return nil
	}
	keys := map[string][]any{}
	for _, e := range items {
		for _, t := range q.orderby {
			vals, err := a.resolve(e, t.path)
			if err != nil {
				return plinth.Invalid("$orderby", "%s", err)
			}
			var v any
			if len(vals) > 0 {
				v = vals[0]
			}
			keys[e.id] = append(keys[e.id], v)
		}
	}
	slices.SortStableFunc(items, func(x, y entity) int {
		for i, t := range q.orderby {
			c, ok := compare(keys[x.id][i], keys[y.id][i])
			if ok && c != 0 {
				if t.desc {
					return -c
				}
				return c
			}
		}
		return cmp.Compare(x.id, y.id)
	})
	return nil
}

// encoded makes JSON's values of properties: times as text.
func encoded(v any) any {
	switch x := v.(type) {
	case time.Time:
		return x.UTC().Format(timeLayout)
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, inner := range x {
			out[name] = encoded(inner)
		}
		return out
	}
	return v
}

// write answers JSON. Links hold & and ', which stay as they are.
func write(w http.ResponseWriter, code int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // texts, finite numbers, lists and maps of them
		panic(fmt.Sprintf("sensorthings: %v", err))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}
