package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plinth"
	"plinth/analytics"
)

// Fusion keeps the fusion log and reads incidents from it.
type Fusion struct{ db *DB }

// NewFusion returns the fusion log of db.
func NewFusion(db *DB) *Fusion { return &Fusion{db} }

var _ analytics.FusionLog = (*Fusion)(nil)

// Append writes the steps as one block: all of them are there or none.
func (s *Fusion) Append(ctx context.Context, steps []analytics.Step) error {
	n := len(steps)
	text := func(of func(*analytics.Step) string) []string {
		out := make([]string, n)
		for i := range steps {
			out[i] = of(&steps[i])
		}
		return out
	}
	number, at, eventAt, rx := make([]uint64, n), make([]time.Time, n), make([]time.Time, n), make([]time.Time, n)
	lon, lat, score, weights := make([]float64, n), make([]float64, n), make([]float64, n), make([]string, n)
	for i, st := range steps {
		number[i], at[i], eventAt[i], rx[i] = st.N, st.At, st.Event.At, st.Event.RX
		lon[i], lat[i], score[i] = st.Event.Longitude, st.Event.Latitude, st.Score
		w, err := json.Marshal(st.Weights)
		if err != nil {
			return fmt.Errorf("encode the weights of %s: %w", st.Event.ID(), err)
		}
		weights[i] = string(w)
	}
	return s.db.insert(ctx, `INSERT INTO plinth.fusion_log (n, at, op, incident, source, source_id, event_at, event_rx, class,
		title, street, grid, longitude, latitude, score, weights, weighed)`,
		number, at, text(func(s *analytics.Step) string { return string(s.Op) }),
		text(func(s *analytics.Step) string { return string(s.Incident) }),
		text(func(s *analytics.Step) string { return s.Event.Source }), text(func(s *analytics.Step) string { return s.Event.SourceID }),
		eventAt, rx, text(func(s *analytics.Step) string { return s.Event.Class }),
		text(func(s *analytics.Step) string { return s.Event.Title }), text(func(s *analytics.Step) string { return s.Event.Street }),
		text(func(s *analytics.Step) string { return s.Event.Grid }), lon, lat, score, weights,
		text(func(s *analytics.Step) string { return s.Table }))
}

// NewEvents returns events received after the cursor, the newest form of each. Those of homes are not among them: beside a
// call that has a place, an alarm without one would have it too.
func (s *Fusion) NewEvents(ctx context.Context, after analytics.Cursor, limit int) ([]analytics.Event, error) {
	if after.RX.Year() < 1970 {
		after.RX = time.Unix(0, 0)
	}
	if after.At.Year() < 1900 {
		after.At = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC) // the least that the column holds
	}
	// Without FINAL the index on rx serves; an event whose newer form comes later is decided by the older one.
	return s.events(ctx, `
		SELECT `+eventColumns+` FROM plinth.event AS e
		WHERE attrs['privacy'] != 'home' AND rx >= `+instant+` AND (rx, at, source, source_id) > (`+instant+`, `+instant+`, ?, ?)
		ORDER BY rx, at, source, source_id LIMIT 1 BY source, source_id LIMIT ?`,
		millis(after.RX), millis(after.RX), millis(after.At), after.Source, after.SourceID, limit)
}

// Known tells which of the events the log has.
func (s *Fusion) Known(ctx context.Context, events []analytics.Event) (map[string]bool, error) {
	found, err := s.IncidentsOf(ctx, events)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(events))
	for id := range found {
		known[id] = true
	}
	return known, nil
}

// IncidentsOf returns the incident of each event that has one, by the event's id.
func (s *Fusion) IncidentsOf(ctx context.Context, events []analytics.Event) (map[string]plinth.IncidentID, error) {
	out := make(map[string]plinth.IncidentID, len(events))
	if len(events) == 0 {
		return out, nil
	}
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.SourceID
	}
	rows, err := s.db.Query(ctx, `SELECT source, source_id, argMax(incident, n) FROM plinth.fusion_log
		WHERE source_id IN ? GROUP BY source, source_id`, ids)
	if err != nil {
		return nil, fmt.Errorf("read incidents of events: %w", translate(err))
	}
	defer rows.Close()
	for rows.Next() {
		var source, id, incident string
		if err := rows.Scan(&source, &id, &incident); err != nil {
			return nil, fmt.Errorf("read incidents of events: %w", err)
		}
		out[source+"/"+id] = plinth.IncidentID(incident)
	}
	return out, translate(rows.Err())
}

// eventColumns are those of an analytics.Event, of plinth.event as e, in the order in which scanEvent reads them.
const eventColumns = `e.source, e.source_id, e.at, e.class, e.title, e.text, e.street, e.grid, e.address, e.longitude, e.latitude, e.rx`

func eventFields(e *analytics.Event) []any {
	return []any{&e.Source, &e.SourceID, &e.At, &e.Class, &e.Title, &e.Text, &e.Street, &e.Grid, &e.Address,
		&e.Longitude, &e.Latitude, &e.RX}
}

func (s *Fusion) events(ctx context.Context, sql string, args ...any) ([]analytics.Event, error) {
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", translate(err))
	}
	defer rows.Close()
	var out []analytics.Event
	for rows.Next() {
		var e analytics.Event
		if err := rows.Scan(eventFields(&e)...); err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		e.At, e.RX = e.At.UTC(), e.RX.UTC()
		out = append(out, e)
	}
	return out, translate(rows.Err())
}

// stepColumns of plinth.fusion_log as f, joined with plinth.event as e; of an event that is no longer there the log's
// own facts serve.
const stepColumns = `f.n, f.at, toString(f.op), f.incident, f.score, f.weights, f.weighed, f.source, f.source_id, f.event_at,
	f.class, if(e.source_id = '', f.title, e.title), e.text, f.street, f.grid, e.address, f.longitude, f.latitude, f.event_rx`

const stepFrom = ` FROM (SELECT * FROM plinth.fusion_log FINAL WHERE %s) AS f
	LEFT JOIN (SELECT source, source_id, title, text, address FROM plinth.event FINAL) AS e
	ON f.source = e.source AND f.source_id = e.source_id ORDER BY f.n`

func scanStep(rows driver.Rows) (analytics.Step, error) {
	var st analytics.Step
	var op, incident, weights string
	e := &st.Event
	if err := rows.Scan(&st.N, &st.At, &op, &incident, &st.Score, &weights, &st.Table, &e.Source, &e.SourceID, &e.At, &e.Class,
		&e.Title, &e.Text, &e.Street, &e.Grid, &e.Address, &e.Longitude, &e.Latitude, &e.RX); err != nil {
		return st, fmt.Errorf("read a step: %w", err)
	}
	st.Op, st.Incident = analytics.Op(op), plinth.IncidentID(incident)
	st.At, e.At, e.RX = st.At.UTC(), e.At.UTC(), e.RX.UTC()
	if err := json.Unmarshal([]byte(weights), &st.Weights); err != nil {
		return st, fmt.Errorf("read the weights of step %d: %w", st.N, err)
	}
	return st, nil
}

func (s *Fusion) steps(ctx context.Context, where string, take func(analytics.Step) error, args ...any) error {
	rows, err := s.db.Query(ctx, `SELECT `+stepColumns+fmt.Sprintf(stepFrom, where), args...)
	if err != nil {
		return fmt.Errorf("read the fusion log: %w", translate(err))
	}
	defer rows.Close()
	for rows.Next() {
		st, err := scanStep(rows)
		if err != nil {
			return err
		}
		if err := take(st); err != nil {
			return err
		}
	}
	return translate(rows.Err())
}

// Recent hands over the steps of the n incidents touched last.
func (s *Fusion) Recent(ctx context.Context, n int, take func(analytics.Step) error) error {
	return s.steps(ctx, `incident IN (SELECT incident FROM plinth.fusion_log GROUP BY incident ORDER BY max(n) DESC LIMIT ?)`,
		take, n)
}

// Incident returns an incident and its members in the order in which they joined; ErrNotFound when there is none.
func (s *Fusion) Incident(ctx context.Context, id plinth.IncidentID) (analytics.Incident, []analytics.Member, error) {
	list, _, err := s.incidents(ctx, "incident = ?", "1", 1, string(id))
	if err != nil {
		return analytics.Incident{}, nil, err
	}
	if len(list) == 0 {
		return analytics.Incident{}, nil, plinth.Errorf(plinth.ErrNotFound, "there is no incident %s", id)
	}
	var members []analytics.Member
	err = s.steps(ctx, "incident = ?", func(st analytics.Step) error {
		members = append(members, analytics.Member{Event: st.Event, Op: st.Op, Score: st.Score, Weights: st.Weights})
		return nil
	}, string(id))
	return list[0], members, err
}

// Incidents returns those that the filter lets through, the last touched first, and how many there are in all.
func (s *Fusion) Incidents(ctx context.Context, f analytics.IncidentFilter) ([]analytics.Incident, int64, error) {
	having, args := []string{"1"}, []any(nil)
	add := func(sql string, arg any) { having, args = append(having, sql), append(args, arg) }
	for _, c := range []struct{ column, value string }{{"street", f.Street}, {"grid", f.Grid}, {"class", f.Class}} {
		if c.value != "" {
			add(c.column+" = ?", c.value)
		}
	}
	if f.MinSize > 1 {
		add("size >= ?", f.MinSize)
	}
	if !f.From.IsZero() {
		add("last_at >= "+instant, millis(f.From))
	}
	if !f.To.IsZero() {
		add("first_at < "+instant, millis(f.To))
	}
	page := "1"
	if f.After != nil {
		page = "(last_at, incident) < (" + instant + ", ?)"
		args = append(args, millis(f.After.LastAt), string(f.After.ID))
	}
	return s.incidents(ctx, strings.Join(having, " AND "), page, f.Limit, args...)
}

// incidents folds the log. The window over all counts them before the page is cut.
func (s *Fusion) incidents(ctx context.Context, filter, page string, limit int, args ...any) ([]analytics.Incident, int64, error) {
	rows, err := s.db.Query(ctx, `
		SELECT incident, title, class, street, grid, longitude, latitude, first_at, last_at, size, sources, total FROM (
			SELECT *, count() OVER () AS total FROM (
				SELECT l.incident AS incident, argMin(l.title, l.n) AS title, argMin(l.class, l.n) AS class,
					argMinIf(l.street, l.n, l.street != '') AS street, argMinIf(l.grid, l.n, l.grid != '') AS grid,
					ifNotFinite(avgIf(l.longitude, l.longitude != 0 OR l.latitude != 0), 0) AS longitude,
					ifNotFinite(avgIf(l.latitude, l.longitude != 0 OR l.latitude != 0), 0) AS latitude,
					min(l.event_at) AS first_at, max(l.event_at) AS last_at, toInt64(count()) AS size,
					sumMap(map(toString(l.source), toInt64(1))) AS sources
				FROM plinth.fusion_log AS l FINAL
				GROUP BY incident)
			WHERE `+filter+`)
		WHERE `+page+` ORDER BY last_at DESC, incident DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("read incidents: %w", translate(err))
	}
	defer rows.Close()
	var out []analytics.Incident
	var total uint64
	for rows.Next() {
		var in analytics.Incident
		var id string
		var size int64
		var sources map[string]int64
		if err := rows.Scan(&id, &in.Title, &in.Class, &in.Street, &in.Grid, &in.Longitude, &in.Latitude, &in.FirstAt,
			&in.LastAt, &size, &sources, &total); err != nil {
			return nil, 0, fmt.Errorf("read incidents: %w", err)
		}
		in.ID, in.Size, in.Sources = plinth.IncidentID(id), int(size), map[string]int{}
		in.FirstAt, in.LastAt = in.FirstAt.UTC(), in.LastAt.UTC()
		for k, v := range sources {
			in.Sources[k] = int(v)
		}
		out = append(out, in)
	}
	return out, int64(total), translate(rows.Err())
}
