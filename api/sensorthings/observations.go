package sensorthings

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plinth"
	"plinth/sensors"
)

// read takes one question off the request's budget, for those who may read observations.
func (a *answer) read() error {
	if p := plinth.PrincipalFrom(a.ctx); !p.Has(a.Readers...) {
		return plinth.Errorf(plinth.ErrDenied, "your roles do not read observations")
	}
	if a.reads--; a.reads < 0 {
		return plinth.Errorf(plinth.ErrExhausted, "the request asks the store more than %d times; expand fewer with $top", mostReads)
	}
	return nil
}

// hidden are the devices whose observations the caller may not read.
func (a *answer) hidden() []string {
	p := plinth.PrincipalFrom(a.ctx)
	var out []string
	for _, d := range a.Devices() {
		if !d.Shows(p) {
			out = append(out, string(d.ID))
		}
	}
	return out
}

// observation returns one by its id.
func (a *answer) observation(id string) (*entity, error) {
	gone := plinth.Errorf(plinth.ErrNotFound, "there is no Observation %.100q", id)
	r, ok := readingOf(id)
	if !ok {
		return nil, gone
	}
	if err := a.read(); err != nil {
		return nil, err
	}
	if d := a.device(r.Device); d == nil || !d.Shows(plinth.PrincipalFrom(a.ctx)) {
		return nil, gone // whether it is there would tell something, too
	}
	rows, err := a.Rows.Observations(a.ctx, "metric = ? AND device = ? AND at = "+instant+" AND seq = toUInt64(?)",
		[]any{r.Metric, string(r.Device), r.At.UnixMilli(), fmt.Sprint(r.Seq)}, "at", 1)
	if err != nil {
		return nil, err
	}
	all := a.known(rows)
	if len(all) == 0 {
		return nil, gone
	}
	return &all[0], nil
}

// known makes entities of readings whose device and metric are registered.
func (a *answer) known(rows []sensors.Reading) []entity {
	var out []entity
	for i := range rows {
		d := a.device(rows[i].Device)
		if d == nil {
			continue
		}
		if m, ok := d.Metric(rows[i].Metric); ok {
			out = append(out, entity{kind: kinds["Observations"], id: observationID(rows[i]), dev: d, metric: m, obs: &rows[i]})
		}
	}
	return out
}

// orders are what observations come in order of: the columns before the identity.
var orders = map[string][]string{"": {"metric", "device", "at", "seq"}, "id": {"metric", "device", "at", "seq"},
	"phenomenonTime": {"at", "metric", "device", "seq"}, "resultTime": {"at", "metric", "device", "seq"},
	"result": {"value", "metric", "device", "at", "seq"}}

// sequence is an order of observations.
type sequence struct {
	columns []string
	desc    bool
}

func sequenceOf(q query) (sequence, error) {
	name, desc := "", false
	if len(q.orderby) > 0 {
		name, desc = strings.ReplaceAll(strings.Join(q.orderby[0].path, "/"), "@iot.id", "id"), q.orderby[0].desc
	}
	columns := orders[name]
	if columns == nil || len(q.orderby) > 1 {
		return sequence{}, plinth.Invalid("$orderby", "observations come in order of one of phenomenonTime, resultTime, result, id")
	}
	return sequence{columns, desc}, nil
}

func (s sequence) sql() string {
	if s.desc {
		return strings.Join(s.columns, " DESC, ") + " DESC"
	}
	return strings.Join(s.columns, ", ")
}

// after is the condition for what follows the token's reading.
func (s sequence) after(token string) (string, []any, error) {
	bad := plinth.Invalid("$skiptoken", "is not one that this server gave")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	var k key
	if err != nil || json.Unmarshal(raw, &k) != nil {
		return "", nil, bad
	}
	var marks []string
	var args []any
	for _, c := range s.columns {
		mark, arg := k.of(c)
		marks, args = append(marks, mark), append(args, arg)
	}
	op := ">"
	if s.desc {
		op = "<"
	}
	where := fmt.Sprintf("(%s) %s (%s)", strings.Join(s.columns, ", "), op, strings.Join(marks, ", "))
	if s.columns[0] == "at" { // the store finds a time by its parts, not a tuple
		where = "at " + op + "= " + instant + " AND " + where
		args = append([]any{k.At}, args...)
	}
	return where, args, nil
}

// key is where a page ended.
type key struct {
	Device string  `json:"d"`
	Metric string  `json:"m"`
	At     int64   `json:"t"`
	Seq    uint64  `json:"s"`
	Value  float64 `json:"v"`
}

func (k key) of(column string) (string, any) {
	switch column {
	case "at":
		return instant, k.At
	case "seq":
		return "toUInt64(?)", fmt.Sprint(k.Seq)
	case "value":
		return "toFloat64(?)", k.Value
	case "device":
		return "?", k.Device
	}
	return "?", k.Metric
}

func tokenOf(r sensors.Reading) string {
	b, err := json.Marshal(key{string(r.Device), r.Metric, r.At.UnixMilli(), r.Seq, r.Value})
	if err != nil { // stored values are finite
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// observations reads a page of observations.
func (a *answer) observations(t target, q query) (page, error) {
	seq, err := sequenceOf(q)
	if err != nil {
		return page{}, err
	}
	where, args := slices.Clone(t.scope), slices.Clone(t.args)
	if hidden := a.hidden(); len(hidden) > 0 { // before the filter: its answer would tell of their values
		where, args = append(where, "device NOT IN ?"), append(args, hidden)
	}
	if q.filter != nil {
		f, err := condition(q.filter, q.filterText, a.now)
		if err != nil {
			return page{}, err
		}
		where, args = append(where, f.sql), append(args, f.args...)
	}
	if len(where) == 0 {
		where = []string{"1 = 1"}
	}
	var p page
	if q.count {
		if err := a.read(); err != nil {
			return p, err
		}
		if p.count, err = a.Rows.CountObservations(a.ctx, strings.Join(where, " AND "), args); err != nil {
			return p, err
		}
	}
	err = a.rows(&p, seq, where, args, q)
	return p, err
}

func (a *answer) rows(p *page, seq sequence, where []string, args []any, q query) error {
	if q.token != "" {
		w, more, err := seq.after(q.token)
		if err != nil {
			return err
		}
		where, args = append(where, w), append(args, more...)
		q.skip = 0
	}
	if err := a.read(); err != nil {
		return err
	}
	top := min(q.top, mostObservation)
	if top == 0 {
		return nil
	}
	if q.skip > mostObservation {
		return plinth.Invalid("$skip", "observations are skipped by at most %d; follow @iot.nextLink or filter by phenomenonTime", mostObservation)
	}
	rows, err := a.Rows.Observations(a.ctx, strings.Join(where, " AND "), args, seq.sql(), q.skip+top+1)
	if err != nil {
		return err
	}
	rows = rows[min(q.skip, len(rows)):]
	if len(rows) > top {
		rows = rows[:top]
		p.token = tokenOf(rows[top-1])
	}
	p.items = a.known(rows)
	return nil
}

// components are what an array of observations holds, unless $select says otherwise.
var components = []string{"id", "phenomenonTime", "result", "resultTime", "resultQuality"}

// arrays are observations as data arrays, one for each run of a Datastream (OGC 18-088 §13.2).
func (a *answer) arrays(t target, items []entity, q query) ([]any, error) {
	names := components
	if len(q.selected) > 0 {
		names = q.selected
	}
	if len(q.expand) > 0 {
		return nil, plinth.Invalid("$resultFormat", "a dataArray expands nothing")
	}
	out := []any{}
	var of string
	var rows []any
	var last map[string]any
	for _, e := range items {
		stream := string(e.dev.ID) + ":" + e.metric.Name
		if last == nil || stream != of {
			of, rows = stream, nil
			last = map[string]any{"Datastream@iot.navigationLink": a.self(entity{kind: kinds["Datastreams"], id: stream}), "components": names}
			out = append(out, last)
		}
		row, err := arrayRow(e, names)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
		last["dataArray"], last["dataArray@iot.count"] = rows, len(rows)
	}
	return out, nil
}

func arrayRow(e entity, names []string) ([]any, error) {
	props := observation(e)
	props["id"], props["@iot.id"] = e.id, e.id
	row := make([]any, len(names))
	for i, name := range names {
		v, ok := props[name]
		if !ok {
			return nil, plinth.Invalid("$select", "an Observation has no property %.40s", name)
		}
		row[i] = encoded(v)
	}
	return row, nil
}
