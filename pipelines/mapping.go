package pipelines

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"plinth"
	"plinth/sensors"
)

//go:embed mappings/*.yaml
var shipped embed.FS

// Mapping says how the columns of a file become events or readings. It is data: a new kind of file needs a new mapping
// and no code.
type Mapping struct {
	Name      string            `yaml:"name"`
	Title     Label             `yaml:"title"`
	Target    Target            `yaml:"target"`
	Delimiter string            `yaml:"delimiter"` // one character; a comma when empty
	Sheet     string            `yaml:"sheet"`     // of a workbook; the first when empty
	Zone      string            `yaml:"zone"`      // of times without one, e.g. Asia/Shanghai
	Source    string            `yaml:"source"`    // the events' source; the mapping's name when empty
	Fields    map[string]*Field `yaml:"fields"`    // by the event's or reading's field
	Attrs     map[string]*Field `yaml:"attrs"`     // the events' further facts
	Register  *Register         `yaml:"register"`  // readings: how a device that is new is registered; nil refuses it

	zone *time.Location
}

// Label is a text in both languages.
type Label struct {
	ZH string `yaml:"zh"`
	EN string `yaml:"en"`
}

// Target is what a mapping makes.
type Target string

// The targets.
const (
	ToEvents   Target = "events"
	ToReadings Target = "readings"
)

// Field says where a field's value comes from and what it must be.
type Field struct {
	Column   string   `yaml:"column"` // the file's column by its header; of JSON rows a key, or a JSON pointer
	File     string   `yaml:"file"`   // or the first group of this pattern in the file's name
	Const    string   `yaml:"const"`  // or always this
	Required bool     `yaml:"required"`
	Pattern  string   `yaml:"pattern"` // the whole value must match
	OneOf    []string `yaml:"one_of"`
	Times    []string `yaml:"times"`  // layouts of Go's time package, or "excel" for days since 1899-12-30
	ID       bool     `yaml:"id"`     // make it a device's id: lower case, anything odd becomes "-"
	Number   bool     `yaml:"number"` // it must be a finite number

	pattern, file *regexp.Regexp
}

// Register is how an import registers a device.
type Register struct {
	Kind     string `yaml:"kind"`
	Owner    string `yaml:"owner"`
	Unit     string `yaml:"unit"`
	Interval string `yaml:"interval"`
	Segment  string `yaml:"segment"`

	interval, segment time.Duration
}

// eventFields and readingFields are the fields a mapping may fill.
var (
	eventFields = []string{"source_id", "at", "class", "title", "text", "street", "grid", "address", "longitude", "latitude",
		"contact"}
	readingFields = []string{"device", "metric", "at", "seq", "value"}
	needed        = map[Target][]string{ToEvents: {"source_id", "at"}, ToReadings: {"device", "metric", "at", "value"}}
)

// Mappings are those that ship with the service, by name.
func Mappings() (map[string]*Mapping, error) {
	files, err := fs.Glob(shipped, "mappings/*.yaml")
	if err != nil {
		return nil, err
	}
	out := map[string]*Mapping{}
	for _, name := range files {
		data, err := shipped.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m, err := ParseMapping(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		out[m.Name] = m
	}
	return out, nil
}

// ParseMapping reads a mapping from YAML and checks it.
func ParseMapping(data []byte) (*Mapping, error) {
	m := &Mapping{}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(m); err != nil {
		return nil, plinth.Errorf(plinth.ErrInvalid, "the mapping is not as it must be: %v", err)
	}
	return m, m.prepare()
}

func (m *Mapping) prepare() error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`).MatchString(m.Name) {
		return plinth.Invalid("name", "a mapping's name is 1 to 64 of a-z, 0-9 and -")
	}
	if m.Target != ToEvents && m.Target != ToReadings {
		return plinth.Invalid("target", "the target is events or readings")
	}
	if m.Delimiter == "" {
		m.Delimiter = ","
	}
	if len(m.Delimiter) != 1 || strings.ContainsAny(m.Delimiter, "\"\r\n") {
		return plinth.Invalid("delimiter", "the delimiter is one character")
	}
	if m.Source == "" {
		m.Source = m.Name
	}
	var err error
	if m.zone, err = time.LoadLocation(m.Zone); err != nil {
		return plinth.Invalid("zone", "the zone %q is not known", m.Zone)
	}
	if err := m.prepareFields(); err != nil {
		return err
	}
	return m.prepareRegister()
}

func (m *Mapping) prepareFields() error {
	allowed := eventFields
	if m.Target == ToReadings {
		allowed = readingFields
	}
	for name, f := range m.Fields {
		if !slices.Contains(allowed, name) {
			return plinth.Invalid("fields."+name, "%s have no such field", m.Target)
		}
		if err := f.prepare("fields." + name); err != nil {
			return err
		}
	}
	for name, f := range m.Attrs {
		if err := f.prepare("attrs." + name); err != nil {
			return err
		}
	}
	for _, name := range needed[m.Target] {
		if m.Fields[name] == nil {
			return plinth.Invalid("fields."+name, "%s need this field", m.Target)
		}
		m.Fields[name].Required = true
	}
	if len(m.Fields["at"].Times) == 0 {
		return plinth.Invalid("fields.at.times", "at least one layout is needed")
	}
	return nil
}

func (f *Field) prepare(name string) error {
	if f == nil {
		return plinth.Invalid(name, "it says nothing")
	}
	sources := 0
	for _, s := range []string{f.Column, f.File, f.Const} {
		if s != "" {
			sources++
		}
	}
	if sources != 1 {
		return plinth.Invalid(name, "exactly one of column, file and const is needed")
	}
	var err error
	if f.pattern, err = regexp.Compile(`^(?:` + f.Pattern + `)$`); err != nil {
		return plinth.Invalid(name+".pattern", "%v", err)
	}
	if f.file, err = regexp.Compile(f.File); err != nil || (f.File != "" && f.file.NumSubexp() < 1) {
		return plinth.Invalid(name+".file", "it is a pattern with a group")
	}
	return nil
}

func (m *Mapping) prepareRegister() error {
	r := m.Register
	if r == nil {
		return nil
	}
	var err error
	if r.interval, err = time.ParseDuration(r.Interval); err != nil {
		return plinth.Invalid("register.interval", "it is a duration such as 5m")
	}
	if r.segment, err = time.ParseDuration(r.Segment); err != nil {
		return plinth.Invalid("register.segment", "it is a duration such as 24h")
	}
	return nil
}

// device is the device that an import registers for readings of one metric.
func (r *Register) device(id plinth.DeviceID, metric, name string) sensors.Device {
	return sensors.Device{ID: id, Kind: r.Kind, Name: sensors.Text{ZH: name, EN: name}, Owner: plinth.AgentID(r.Owner),
		Metrics: []sensors.Metric{{Name: metric, Title: sensors.Text{ZH: metric, EN: metric}, Unit: r.Unit}}, Interval: r.interval,
		Segment: r.segment}
}

// columns are the file's columns that m reads.
func (m *Mapping) columns() []string {
	var out []string
	for _, fields := range []map[string]*Field{m.Fields, m.Attrs} {
		for _, f := range fields {
			if f.Column != "" && !slices.Contains(out, f.Column) {
				out = append(out, f.Column)
			}
		}
	}
	slices.Sort(out)
	return out
}
