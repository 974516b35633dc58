package pipelines

import (
	"time"

	"github.com/google/uuid"

	"plinth/ledger"
)

// LineageStep is that a run began, or how it ended.
type LineageStep struct {
	Run    Run
	Record uuid.UUID // of what was decided on the run; zero when nothing was
	End    bool
}

// At is when it happened.
func (s *LineageStep) At() time.Time {
	if s.End {
		return s.Run.Ended
	}
	return s.Run.Started
}

// ReplayRun is the kind of a replay as a run, and Aborted the state of one that was stopped.
const (
	ReplayRun RunKind  = "replay"
	Aborted   RunState = "aborted"
)

// Schemas of the facets, of OpenLineage's own registry.
const (
	facetSpec     = "https://openlineage.io/spec/facets/"
	schemaFacet   = facetSpec + "1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
	statistics    = facetSpec + "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
	qualityFacet  = facetSpec + "1-0-2/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"
	errorFacet    = facetSpec + "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
	lineageSpace  = "plinth"
	lineageTables = "plinth.clickhouse"
)

// lineageIDs makes run ids, which must be UUIDs, of ours: the same run has the same for ever.
var lineageIDs = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:plinth:run"))

type lineageField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type lineageColumns struct {
	ledger.Facet
	Fields []lineageField `json:"fields"`
}

type lineageCount struct {
	ledger.Facet
	RowCount int64 `json:"rowCount"`
}

type lineageQuality struct {
	ledger.Facet
	RowCount int64 `json:"rowCount"`
	// ColumnMetrics has to be there; what a column's values are like is told by checks and dead letters.
	ColumnMetrics map[string]any `json:"columnMetrics"`
}

type lineageError struct {
	ledger.Facet
	Message  string `json:"message"`
	Language string `json:"programmingLanguage"`
}

// Lineage is the OpenLineage event of a step. What the pipeline makes is its sink; an unknown pipeline's is not told.
func (s *LineageStep) Lineage(sink Target) ledger.RunEvent {
	r := &s.Run
	job := ledger.LineageJob{Namespace: lineageSpace, Name: r.Pipeline}
	if r.Kind == ReplayRun {
		job.Name += ".replay"
	}
	e := ledger.NewRunEvent(s.eventType(), s.At().UTC(), uuid.NewSHA1(lineageIDs, []byte(r.ID)), job)
	if s.Record != uuid.Nil && s.End {
		e.Attest(s.Record)
	}
	if s.End && r.Error != "" {
		e.Run.Facets["errorMessage"] = lineageError{ledger.NewFacet(errorFacet), r.Error, "Go"}
	}
	e.Inputs = append(e.Inputs, s.input())
	e.Outputs = append(e.Outputs, s.outputs(sink)...)
	return e
}

func (s *LineageStep) eventType() string {
	switch {
	case !s.End:
		return "START"
	case s.Run.State == Failed:
		return "FAIL"
	case s.Run.State == Aborted:
		return "ABORT"
	}
	return "COMPLETE"
}

func (s *LineageStep) input() ledger.Dataset {
	d := ledger.Dataset{Namespace: lineageSpace + "." + string(s.Run.Kind), Name: s.Run.Source}
	if s.Run.Kind == ReplayRun {
		d.Namespace, d.Facets = lineageTables, tableFacets(ToReadings)
	}
	if d.Name == "" {
		d.Name = s.Run.Pipeline
	}
	if s.End {
		d.InputFacets = map[string]any{"dataQualityMetrics": lineageQuality{ledger.NewFacet(qualityFacet), s.Run.In, map[string]any{}}}
	}
	return d
}

func (s *LineageStep) outputs(sink Target) []ledger.Dataset {
	if s.Run.Kind == ReplayRun {
		return []ledger.Dataset{s.output("plinth.shadow_reading", tableFacets(ToReadings), s.Run.Stored)}
	}
	dead := s.output("plinth.dead_letter", nil, s.Run.Dead)
	switch sink {
	case ToReadings:
		return []ledger.Dataset{s.output("plinth.reading", tableFacets(sink), s.Run.Stored), dead}
	case ToEvents:
		return []ledger.Dataset{s.output("plinth.event", tableFacets(sink), s.Run.Stored), dead}
	}
	return []ledger.Dataset{dead}
}

func (s *LineageStep) output(table string, facets map[string]any, rows int64) ledger.Dataset {
	d := ledger.Dataset{Namespace: lineageTables, Name: table, Facets: facets}
	if s.End {
		d.OutputFacets = map[string]any{"outputStatistics": lineageCount{ledger.NewFacet(statistics), rows}}
	}
	return d
}

// tableFacets are the columns of a sink's table.
func tableFacets(sink Target) map[string]any {
	columns := lineageColumns{Facet: ledger.NewFacet(schemaFacet)}
	if sink == ToEvents {
		for _, name := range eventFields {
			columns.Fields = append(columns.Fields, lineageField{name, eventType(name)})
		}
	} else {
		columns.Fields = []lineageField{{"device", "String"}, {"metric", "String"}, {"at", "DateTime64(3)"}, {"seq", "UInt64"},
			{"value", "Float64"}, {"flags", "UInt16"}, {"rx", "DateTime64(3)"}}
	}
	return map[string]any{"schema": columns}
}

func eventType(field string) string {
	switch field {
	case "at":
		return "DateTime64(3)"
	case "longitude", "latitude":
		return "Float64"
	}
	return "String"
}
