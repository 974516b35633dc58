package pipelines

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Declaration says what a pipeline takes, how it reads it, what every row must keep, and where it goes. It is data: a
// YAML file of the data folder, or what an operator sends.
type Declaration struct {
	ID      string         `yaml:"id" json:"id"`
	Title   Label          `yaml:"title" json:"title"`
	Kind    PipelineKind   `yaml:"kind" json:"kind"`
	Source  Intake         `yaml:"source" json:"source"`
	Mapping string         `yaml:"mapping,omitempty" json:"mapping,omitempty"`
	Sink    Target         `yaml:"sink" json:"sink"`
	Owner   plinth.AgentID `yaml:"owner" json:"owner"`
	Checks  []Rule         `yaml:"checks,omitempty" json:"checks,omitempty"`
}

// PipelineKind is how a pipeline's rows come.
type PipelineKind string

// The kinds.
const (
	StreamPipeline PipelineKind = "stream" // messages of one kind of device, by MQTT; its id is the domain
	HTTPPipeline   PipelineKind = "http"   // readings that callers send; there is one, with the id HTTPID
	FilePipeline   PipelineKind = "file"   // files that people bring; its id is the mapping's name
	WatchPipeline  PipelineKind = "watch"  // files that appear in a folder
	PullPipeline   PipelineKind = "pull"   // an endpoint that is asked on schedule
)

// HTTPID is the id of the pipeline of readings by HTTP, and its domain in the counts.
const HTTPID = "http"

// Intake says where a pipeline takes from. Which fields are set follows from the kind.
type Intake struct {
	Domain   string `yaml:"domain,omitempty" json:"domain,omitempty"`   // stream: the kind of device
	Folder   string `yaml:"folder,omitempty" json:"folder,omitempty"`   // watch: under the data folder
	Pattern  string `yaml:"pattern,omitempty" json:"pattern,omitempty"` // watch: names, as path.Match; all when empty
	Endpoint `yaml:",inline"`
	Every    string `yaml:"every,omitempty" json:"every,omitempty"` // watch and pull, e.g. "30s"
}

// Interval is how often a watch or pull runs.
func (in Intake) Interval() time.Duration {
	d, _ := time.ParseDuration(in.Every) // Validate has seen it
	return d
}

// Topic is what a stream of the domain subscribes to.
func (in Intake) Topic() string {
	if in.Domain == "" {
		return ""
	}
	return "plinth/v1/" + in.Domain + "/+/data"
}

// Pipeline is a declaration with its state and its newest change.
type Pipeline struct {
	Declaration
	Origin    Origin
	FileHash  string // SHA-256 of the file that declared it last, in hex; empty when none did
	Pause     *Pause // nil while it runs
	Version   int64  // from 1; every change adds one
	Updated   time.Time
	UpdatedBy plinth.AccountID
	Record    uuid.UUID // of the newest change by a person or a file; zero when there was none
	Evidence  string    // how far the record has come; empty without one
}

// Origin is who declared a pipeline.
type Origin string

// The origins.
const (
	Shipped Origin = "shipped" // with the service
	ByFile  Origin = "file"    // in the data folder
	ByAPI   Origin = "api"
)

// Pause says who stopped a pipeline, and why.
type Pause struct {
	By   plinth.AccountID `json:"by"`
	Name string           `json:"name"`
	Why  string           `json:"why"`
	At   time.Time        `json:"at"`
}

// Limits of a declaration.
const (
	maxChecks   = 64
	maxReason   = 2000
	leastEvery  = time.Second
	mostEvery   = 31 * 24 * time.Hour
	maxDeclared = 64 << 10 // bytes of YAML
)

var pipelineID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Validate tells what is wrong with d as ErrInvalid with the field. Whether its mapping and owner are known is the
// Board's to tell.
func (d *Declaration) Validate() error {
	switch {
	case !pipelineID.MatchString(d.ID):
		return plinth.Invalid("id", "a pipeline's id is 1 to 64 of a-z, 0-9, - and _, and begins with a letter or digit")
	case d.Title.ZH == "" || d.Title.EN == "" || len(d.Title.ZH) > maxLabel || len(d.Title.EN) > maxLabel:
		return plinth.Invalid("title", "a title has zh and en, of at most %d bytes each", maxLabel)
	case d.Owner == "" || len(d.Owner) > 64:
		return plinth.Invalid("owner", "a pipeline has an owner: the id of the unit that answers for it")
	case d.Sink != ToEvents && d.Sink != ToReadings:
		return plinth.Invalid("sink", "the sink is events or readings")
	case len(d.Checks) > maxChecks:
		return plinth.Invalid("checks", "a pipeline has at most %d checks", maxChecks)
	}
	if err := d.validateKind(); err != nil {
		return err
	}
	_, err := compileRules(d.Checks, d.Sink)
	return err
}

func (d *Declaration) validateKind() error {
	in := d.Source
	switch d.Kind {
	case StreamPipeline:
		return first(sameID(d.ID, "source.domain", in.Domain), only(in, Intake{Domain: in.Domain}), d.noMapping(), d.into(ToReadings))
	case HTTPPipeline:
		if d.ID != HTTPID {
			return plinth.Invalid("id", "there is one pipeline of this kind, with the id %s", HTTPID)
		}
		return first(only(in, Intake{}), d.noMapping(), d.into(ToReadings))
	case FilePipeline:
		return first(sameID(d.ID, "mapping", d.Mapping), only(in, Intake{}))
	case WatchPipeline:
		return first(validFolder(in), validEvery(in.Every), d.needsMapping(),
			only(in, Intake{Folder: in.Folder, Pattern: in.Pattern, Every: in.Every}))
	case PullPipeline:
		return first(in.Endpoint.validate(), validEvery(in.Every), d.needsMapping(),
			only(in, Intake{Endpoint: in.Endpoint, Every: in.Every}))
	}
	return plinth.Invalid("kind", "a pipeline is one of stream, http, file, watch and pull")
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func sameID(id, field, value string) error {
	if id == value {
		return nil
	}
	return plinth.Invalid(field, "of this kind it is the same as the id, which is %q", id)
}

func only(in, allowed Intake) error {
	if in == allowed {
		return nil
	}
	return plinth.Invalid("source", "it has a field that this kind does not know")
}

func (d *Declaration) needsMapping() error {
	if d.Mapping != "" {
		return nil
	}
	return plinth.Invalid("mapping", "this kind needs a mapping that reads its rows")
}

func (d *Declaration) noMapping() error {
	if d.Mapping == "" {
		return nil
	}
	return plinth.Invalid("mapping", "messages of devices need no mapping")
}

func (d *Declaration) into(t Target) error {
	if d.Sink == t {
		return nil
	}
	return plinth.Invalid("sink", "this kind makes %s", t)
}

// validFolder admits a path that stays under the data folder.
func validFolder(in Intake) error {
	clean := path.Clean(in.Folder)
	if in.Folder == "" || clean != in.Folder || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return plinth.Invalid("source.folder", "the folder is a clean path under the data folder, e.g. inbox/hotline")
	}
	if _, err := path.Match(in.Pattern, "x"); err != nil {
		return plinth.Invalid("source.pattern", "the pattern is not one, e.g. *.csv")
	}
	return nil
}

func validEvery(every string) error {
	d, err := time.ParseDuration(every)
	if err != nil || d < leastEvery || d > mostEvery {
		return plinth.Invalid("source.every", "it is a time between 1s and 744h, e.g. 30s or 10m")
	}
	return nil
}

// Fact is the part of p that its evidence commits to.
func (p *Pipeline) Fact() []byte {
	b, err := json.Marshal(struct {
		Declaration Declaration      `json:"declaration"`
		Version     int64            `json:"version"`
		Origin      Origin           `json:"origin"`
		Pause       *Pause           `json:"pause,omitempty"`
		By          plinth.AccountID `json:"by"`
	}{p.Declaration, p.Version, p.Origin, p.Pause, p.UpdatedBy})
	if err != nil {
		panic("pipelines: " + err.Error()) // text, numbers and times
	}
	return b
}

// record is the record of a change that has been made to p.
func (p *Pipeline) record(verb string, by plinth.Principal) ledger.Record {
	return actRecord("pipeline."+verb, "pipeline:"+p.ID, by, p.Updated, p.Fact(), p.Record)
}

// actRecord is the record of something that a person did here; before is the record of the same thing's last change.
func actRecord(kind, subject string, by plinth.Principal, at time.Time, payload []byte, before uuid.UUID) ledger.Record {
	org := string(by.Department)
	if org == "" {
		org = "plinth"
	}
	r := ledger.Record{ID: newRecordID(), Origin: ledger.Authz, Kind: kind, Org: org, Subject: subject, From: at, To: at, Count: 1,
		Payload: payload, Relation: ledger.Generated}
	if before != uuid.Nil {
		r.Relation, r.Inputs, r.Supersedes = ledger.Derived, []uuid.UUID{before}, before
	}
	return r
}

func newRecordID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		panic("pipelines: no randomness: " + err.Error())
	}
	return id
}
