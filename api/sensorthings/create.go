package sensorthings

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"plinth"
	"plinth/api"
	"plinth/sensors"
)

// group is one data array of a request (OGC 18-088 §13.3).
type group struct {
	Datastream struct {
		ID string `json:"@iot.id"`
	} `json:"Datastream"`
	Components []string `json:"components"`
	Rows       [][]any  `json:"dataArray"`
}

// mostRows is how many observations one request creates at most.
const mostRows = 100_000

// failed is what the standard answers for a row that was not created.
const failed = "error"

// create stores data arrays by the path of readings over HTTP. It answers, when they are stored, a link for each row in
// order, or "error" for a row that could not be; what is understood but refused is in dead letters with its reason.
func (s *server) create(w http.ResponseWriter, r *http.Request) {
	groups, err := readGroups(r.Body)
	if err != nil {
		api.WriteError(w, r, err)
		return
	}
	out := []any{}
	for _, g := range groups {
		links, err := s.store(r, g)
		if err != nil {
			api.WriteError(w, r, err)
			return
		}
		for _, l := range links {
			out = append(out, l)
		}
	}
	write(w, http.StatusCreated, out)
}

func readGroups(body io.Reader) ([]group, error) {
	d := json.NewDecoder(body)
	var groups []group
	if err := d.Decode(&groups); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, plinth.Errorf(plinth.ErrExhausted, "a request has at most %d bytes", maxCreate)
		}
		return nil, plinth.Invalid("body", "is not a list of data arrays: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, plinth.Invalid("body", "something follows the list")
	}
	rows := 0
	for i, g := range groups {
		if rows += len(g.Rows); rows > mostRows {
			return nil, plinth.Invalid("dataArray", "one request creates at most %d observations", mostRows)
		}
		if err := g.check(); err != nil {
			var e *plinth.Error
			if errors.As(err, &e) {
				e.Field = "[" + strconv.Itoa(i) + "]." + e.Field
			}
			return nil, err
		}
	}
	return groups, nil
}

func (g group) check() error {
	for i, c := range g.Components {
		if !slices.Contains([]string{"phenomenonTime", "resultTime", "result", "parameters", "resultQuality", "validTime", "FeatureOfInterest/id"}, c) {
			return plinth.Invalid("components", "%.40q is no component of an Observation that is taken", c)
		}
		if slices.Contains(g.Components[:i], c) {
			return plinth.Invalid("components", "%s is there twice", c)
		}
	}
	if !slices.Contains(g.Components, "result") || !slices.Contains(g.Components, "phenomenonTime") {
		return plinth.Invalid("components", "phenomenonTime and result are needed")
	}
	return nil
}

// store stores one group and answers for each of its rows. A Datastream that there is not, or not for the caller, fails
// its rows and no other's.
func (s *server) store(r *http.Request, g group) ([]string, error) {
	links := make([]string, len(g.Rows))
	for i := range links {
		links[i] = failed
	}
	stream, ok := s.find("Datastreams", g.Datastream.ID)
	if p := plinth.PrincipalFrom(r.Context()); !ok || p.Device != "" && p.Device != stream.dev.ID {
		return links, nil
	}
	var rs []sensors.Reading
	var rows []int
	for i, row := range g.Rows {
		if x, ok := readingFrom(g.Components, row); ok {
			x.Device, x.Metric = stream.dev.ID, stream.metric.Name
			rs, rows = append(rs, x), append(rows, i)
			links[i] = "" // until it is known
		}
	}
	if len(rs) == 0 {
		return links, nil
	}
	faults, err := s.Direct.Store(r.Context(), stream.dev, rs)
	if err != nil {
		return nil, err
	}
	a := &answer{server: s, base: base(r)}
	for n, i := range rows {
		links[i] = a.self(entity{kind: kinds["Observations"], id: observationID(rs[n])})
	}
	for _, f := range faults {
		if n, ok := faultRow(f); ok && n < len(rows) {
			links[rows[n]] = failed
		}
	}
	return links, nil
}

// faultRow is the place of a fault's reading: its field is readings[n].….
func faultRow(f sensors.Fault) (int, bool) {
	rest, ok := strings.CutPrefix(f.Field, "readings[")
	n, _, ok2 := strings.Cut(rest, "]")
	i, err := strconv.Atoi(n)
	return i, ok && ok2 && err == nil && i >= 0
}

// readingFrom reads a row. An interval of time counts from its beginning.
func readingFrom(components []string, row []any) (sensors.Reading, bool) {
	var r sensors.Reading
	if len(row) != len(components) {
		return r, false
	}
	for i, c := range components {
		switch c {
		case "phenomenonTime":
			s, _ := row[i].(string)
			from, _, _ := strings.Cut(s, "/")
			t, ok := timeOf(from)
			if !ok || !strings.Contains(from, "T") {
				return r, false
			}
			r.At = t.Truncate(1e6)
		case "result":
			v, ok := row[i].(float64)
			if !ok {
				return r, false
			}
			r.Value = v
		case "parameters":
			seq, ok := sequenceIn(row[i])
			if !ok {
				return r, false
			}
			r.Seq = seq
		}
	}
	return r, true
}

// sequenceIn reads {"seq": n}, which tells readings of one instant apart.
func sequenceIn(v any) (uint64, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return 0, v == nil
	}
	n, ok := m["seq"]
	if !ok {
		return 0, true
	}
	f, ok := n.(float64)
	return uint64(max(f, 0)), ok && f >= 0 && f <= 1<<53 && f == math.Trunc(f)
}
