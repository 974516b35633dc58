package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// The JSON-LD of an open list follows DCAT-AP 3.0.1. Every authority's URI that is used is typed in the document
// itself, so that it conforms without fetching anything. Keys stand in a struct's order, so that the same list has the
// same bytes.

type ldContext struct {
	DCAT string `json:"dcat"`
	DCT  string `json:"dct"`
	FOAF string `json:"foaf"`
	SKOS string `json:"skos"`
	XSD  string `json:"xsd"`
	OWL  string `json:"owl"`
}

type ldCatalog struct {
	Context     ldContext   `json:"@context"`
	ID          string      `json:"@id"`
	Type        string      `json:"@type"`
	Title       []ldText    `json:"dct:title"`
	Description []ldText    `json:"dct:description"`
	Publisher   ldAgent     `json:"dct:publisher"`
	Issued      ldValue     `json:"dct:issued"`
	Version     string      `json:"dcat:version"`
	Language    []ldTyped   `json:"dct:language"`
	Datasets    []ldDataset `json:"dcat:dataset"`
}

type ldText struct {
	Value    string `json:"@value"`
	Language string `json:"@language"`
}

type ldValue struct {
	Value string `json:"@value"`
	Type  string `json:"@type"`
}

type ldTyped struct {
	ID   string `json:"@id"`
	Type string `json:"@type"`
}

type ldAgent struct {
	ID   string   `json:"@id"`
	Type string   `json:"@type"`
	Name []ldText `json:"foaf:name"`
}

type ldConcept struct {
	ID        string   `json:"@id"`
	Type      string   `json:"@type"`
	PrefLabel []ldText `json:"skos:prefLabel"`
	InScheme  ldTyped  `json:"skos:inScheme"`
}

type ldDataset struct {
	ID          string    `json:"@id"`
	Type        []string  `json:"@type"`
	Title       []ldText  `json:"dct:title"`
	Description []ldText  `json:"dct:description"`
	Identifier  string    `json:"dct:identifier"`
	Publisher   ldAgent   `json:"dct:publisher"`
	Theme       ldConcept `json:"dcat:theme"`
	Keyword     []ldText  `json:"dcat:keyword,omitempty"`
	Frequency   ldTyped   `json:"dct:accrualPeriodicity"`
	Access      ldTyped   `json:"dct:accessRights"`
	Issued      ldValue   `json:"dct:issued"`
	Version     string    `json:"dcat:version"`
}

const authority = "http://publications.europa.eu/resource/authority/"

// frequencies are the European authority's codes for our periods.
var frequencies = map[string]string{"realtime": "UPDATE_CONT", "daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY",
	"quarterly": "QUARTERLY", "yearly": "ANNUAL", "irregular": "IRREG"}

func (c *Catalog) listJSONLD(l OpenList) ([]byte, error) {
	doc := ldCatalog{
		Context: ldContext{DCAT: "http://www.w3.org/ns/dcat#", DCT: "http://purl.org/dc/terms/", FOAF: "http://xmlns.com/foaf/0.1/",
			SKOS: "http://www.w3.org/2004/02/skos/core#", XSD: "http://www.w3.org/2001/XMLSchema#", OWL: "http://www.w3.org/2002/07/owl#"},
		ID: c.cfg.BaseIRI + "openlist/" + strconv.Itoa(l.Number), Type: "dcat:Catalog",
		Title:       texts(Text{"公共数据开放清单", "Open list of public data"}),
		Description: texts(Text{"本区向社会开放的公共数据资源清单", "The public data resources that the district opens"}),
		Publisher:   c.ldAgent(string(c.cfg.Authority), Text{"区数据局", "District data bureau"}),
		Issued:      instant(l.PublishedAt), Version: strconv.Itoa(l.Number),
		Language: []ldTyped{{authority + "language/ZHO", "dct:LinguisticSystem"}, {authority + "language/ENG", "dct:LinguisticSystem"}},
		Datasets: []ldDataset{},
	}
	for _, e := range l.Entries {
		doc.Datasets = append(doc.Datasets, c.ldDataset(e))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write open list as JSON-LD: %w", err)
	}
	return b.Bytes(), nil
}

func (c *Catalog) ldDataset(e Entry) ldDataset {
	d := ldDataset{ID: c.cfg.BaseIRI + "dataset/" + e.Code, Type: []string{"dcat:Dataset", "dcat:Resource"},
		Title: texts(e.Title), Description: texts(e.Description), Identifier: e.Code, Publisher: c.ldAgent(string(e.Publisher), e.PublisherName),
		Theme: ldConcept{ID: c.cfg.BaseIRI + "theme/" + e.Theme, Type: "skos:Concept", PrefLabel: texts(Themes[e.Theme]),
			InScheme: ldTyped{c.cfg.BaseIRI + "themes", "skos:ConceptScheme"}},
		Frequency: ldTyped{authority + "frequency/" + frequencies[e.Frequency], "dct:Frequency"},
		Access:    ldTyped{authority + "access-right/" + accessRight(e.Openness), "dct:RightsStatement"},
		Issued:    instant(e.RegisteredAt), Version: strconv.Itoa(e.Revision)}
	for _, k := range e.Keywords {
		d.Keyword = append(d.Keyword, ldText{k, "zh"})
	}
	return d
}

func (c *Catalog) ldAgent(id string, name Text) ldAgent {
	return ldAgent{ID: c.cfg.BaseIRI + "agent/" + id, Type: "foaf:Agent", Name: texts(name)}
}

func accessRight(openness string) string {
	if openness == "unconditional" {
		return "PUBLIC"
	}
	return "RESTRICTED"
}

func texts(t Text) []ldText {
	out := []ldText{{t.ZH, "zh"}}
	if t.EN != "" {
		out = append(out, ldText{t.EN, "en"})
	}
	return out
}

func instant(t time.Time) ldValue { return ldValue{t.UTC().Format(time.RFC3339), "xsd:dateTime"} }
