// Package vitals keeps the district's digital vital signs 数字体征: indicators that are data, their values computed on
// schedule, graded, rolled up from streets to the district and from indicators to sectors. It knows what an indicator is
// and how it is judged; SQL runs through an engine and values are kept in stores that adapters satisfy. It raises no
// alarms: those are of single devices, and sensors/alarm decides them.
package vitals

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
)

// Text is a label in both languages of the console.
type Text struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// Indicator is what is computed, from what, how it is judged, and who answers for it.
type Indicator struct {
	ID          string         `yaml:"id" json:"id"`
	Title       Text           `yaml:"title" json:"title"`
	Sector      string         `yaml:"sector" json:"sector"`
	SectorTitle Text           `yaml:"sector_title,omitempty" json:"sector_title,omitzero"` // of a sector that does not ship
	Unit        string         `yaml:"unit" json:"unit"`                                    // UCUM
	Owner       plinth.AgentID `yaml:"owner" json:"owner"`
	Every       Span           `yaml:"every" json:"every"` // length of a period; it is computed when it has ended
	// SQL is one SELECT that gives street, value and, if it likes, weight. {from} and {to} stand for the period's ends. A
	// row without a street counts for the district alone.
	SQL string `yaml:"sql" json:"sql"`
	// Evidence is one SELECT that gives the rows behind a value; {street} is empty for the district.
	Evidence string   `yaml:"evidence" json:"evidence"`
	Rollup   Rollup   `yaml:"rollup" json:"rollup"`
	Baseline Baseline `yaml:"baseline,omitempty" json:"baseline"`
	High     Limits   `yaml:"high,omitempty" json:"high,omitzero"` // grades begin above these
	Low      Limits   `yaml:"low,omitempty" json:"low,omitzero"`   // grades begin below these
	// District are the district's own limits where its value is a sum that streets' limits do not fit.
	District struct {
		High Limits `yaml:"high,omitempty" json:"high,omitzero"`
		Low  Limits `yaml:"low,omitempty" json:"low,omitzero"`
	} `yaml:"district,omitempty" json:"district,omitzero"`
	LeastWeight float64 `yaml:"least_weight,omitempty" json:"least_weight,omitempty"` // below it nothing is judged
	Source      string  `yaml:"source" json:"source"`                                 // where the limits come from
	Missing     Text    `yaml:"missing,omitempty" json:"missing,omitzero"`            // what the sector lacks while there is no value
}

// Rollup is how streets become the district.
type Rollup string

// The rules.
const (
	Sum   Rollup = "sum"
	Mean  Rollup = "mean"  // by weight
	Worst Rollup = "worst" // the street with the worst grade, then the most extreme value
)

// Baseline is what a value is compared with.
type Baseline struct {
	Kind  BaselineKind `yaml:"kind" json:"kind"`
	Days  int          `yaml:"days,omitempty" json:"days,omitempty"`   // of Quantile
	Floor float64      `yaml:"floor,omitempty" json:"floor,omitempty"` // of SameHour: the baseline is at least this
}

// BaselineKind says what the limits are held against.
type BaselineKind string

// The kinds. "" reads as Fixed.
const (
	Fixed    BaselineKind = "fixed"     // limits are values
	Standard BaselineKind = "standard"  // limits are values that a standard gives
	SameHour BaselineKind = "same_hour" // limits are ratios to the median of the same hour of the last four weeks
	Quantile BaselineKind = "quantile"  // limits are quantiles of the values of the last days
)

// Limits are where grades begin on one side; nil has no grade. The limit itself is still fine, as standards write "≤".
type Limits struct {
	Notice  *float64 `yaml:"notice,omitempty" json:"notice,omitempty"`
	Warning *float64 `yaml:"warning,omitempty" json:"warning,omitempty"`
	Urgent  *float64 `yaml:"urgent,omitempty" json:"urgent,omitempty"`
}

func (l Limits) empty() bool { return l.Notice == nil && l.Warning == nil && l.Urgent == nil }

// Span is a duration written as text, e.g. 15m or 24h.
type Span time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	*s = Span(d)
	return err
}

// The district's eight sectors, in the order of the board. Others stand after them by name.
var sectors = []struct {
	id    string
	title Text
}{
	{"weather", Text{"气象", "Weather"}}, {"environment", Text{"环境", "Environment"}},
	{"population", Text{"人口", "Population"}}, {"supply", Text{"供应", "Supply"}},
	{"traffic", Text{"交通", "Traffic"}}, {"safety", Text{"安全", "Safety"}},
	{"livelihood", Text{"民生", "Livelihood"}}, {"opinion", Text{"舆情", "Opinion"}},
}

// Limits of an indicator.
const (
	// Step is what every period is a multiple of.
	Step     = 5 * time.Minute
	maxEvery = 7 * 24 * time.Hour
	maxSQL   = 16 << 10
	maxText  = 200
	maxDays  = 60
)

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Validate tells what is wrong with the definition as ErrInvalid with the field. The SQL is read by the engine; see
// Keeper.Try.
func (i *Indicator) Validate() error {
	every := time.Duration(i.Every)
	switch {
	case !idPattern.MatchString(i.ID):
		return plinth.Invalid("id", "an indicator's id is 1 to 64 of a-z, 0-9 and _, and begins with a letter")
	case !idPattern.MatchString(i.Sector):
		return plinth.Invalid("sector", "a sector is 1 to 64 of a-z, 0-9 and _, e.g. environment")
	case i.Owner == "" || len(i.Owner) > 64:
		return plinth.Invalid("owner", "an indicator has an owner of at most 64 bytes, who answers for it")
	case i.Unit == "" || len(i.Unit) > 32:
		return plinth.Invalid("unit", "an indicator has a unit in UCUM, e.g. mg/L, 1")
	case every < Step || every > maxEvery || every%Step != 0:
		return plinth.Invalid("every", "a period is 5 minutes to 7 days in whole 5 minutes, is %s", every)
	case i.Rollup != Sum && i.Rollup != Mean && i.Rollup != Worst:
		return plinth.Invalid("rollup", "%.20q is none of sum, mean, worst", i.Rollup)
	case !(i.LeastWeight >= 0) || math.IsInf(i.LeastWeight, 1):
		return plinth.Invalid("leastWeight", "must not be below 0")
	case i.Source == "":
		return plinth.Invalid("source", "say where the limits come from: a standard or a decision")
	}
	if err := i.validTexts(); err != nil {
		return err
	}
	if err := i.validSQL(); err != nil {
		return err
	}
	if err := i.Baseline.validate(); err != nil {
		return err
	}
	if i.Baseline.Kind == SameHour && week%every != 0 {
		return plinth.Invalid("every", "periods of %s do not come again at the same hour of the week", every)
	}
	return i.validLimits()
}

func (i *Indicator) validTexts() error {
	if i.Title.ZH == "" || i.Title.EN == "" {
		return plinth.Invalid("title", "an indicator has a title in Chinese and in English")
	}
	if !shippedSector(i.Sector) && (i.SectorTitle.ZH == "" || i.SectorTitle.EN == "") {
		return plinth.Invalid("sectorTitle", "the new sector %s needs a title in Chinese and in English", i.Sector)
	}
	for _, f := range []struct{ field, text string }{{"title.zh", i.Title.ZH}, {"title.en", i.Title.EN}, {"source", i.Source},
		{"sectorTitle.zh", i.SectorTitle.ZH}, {"sectorTitle.en", i.SectorTitle.EN}, {"missing.zh", i.Missing.ZH},
		{"missing.en", i.Missing.EN}} {
		if !utf8.ValidString(f.text) || strings.ContainsRune(f.text, 0) || utf8.RuneCountInString(f.text) > maxText {
			return plinth.Invalid(f.field, "this text is UTF-8 of at most %d characters", maxText)
		}
	}
	return nil
}

func shippedSector(id string) bool {
	for _, s := range sectors {
		if s.id == id {
			return true
		}
	}
	return false
}

func (i *Indicator) validSQL() error {
	for _, f := range []struct{ field, text string }{{"sql", i.SQL}, {"evidenceSql", i.Evidence}} {
		switch {
		case strings.TrimSpace(f.text) == "":
			return plinth.Invalid(f.field, "write one SELECT")
		case len(f.text) > maxSQL || !utf8.ValidString(f.text) || strings.ContainsRune(f.text, 0):
			return plinth.Invalid(f.field, "a query is UTF-8 text of at most %d bytes", maxSQL)
		case !strings.Contains(f.text, "{to}"):
			return plinth.Invalid(f.field, "the query must be bounded by {to}, the period's end, so that it says the same when it is run again")
		}
	}
	if strings.Contains(i.SQL, "{street}") {
		return plinth.Invalid("sql", "{street} is for the evidence; the values of all streets are asked for at once")
	}
	return nil
}

func (b *Baseline) validate() error {
	if b.Kind == "" {
		b.Kind = Fixed
	}
	switch {
	case b.Kind != Fixed && b.Kind != Standard && b.Kind != SameHour && b.Kind != Quantile:
		return plinth.Invalid("baseline", "%.20q is none of fixed, standard, same_hour, quantile", b.Kind)
	case b.Kind == Quantile && (b.Days < 1 || b.Days > maxDays):
		return plinth.Invalid("baselineDays", "quantiles are of 1 to %d days", maxDays)
	case b.Kind != Quantile && b.Days != 0:
		return plinth.Invalid("baselineDays", "only a baseline of quantiles has days")
	case !(b.Floor >= 0) || math.IsInf(b.Floor, 1) || b.Kind != SameHour && b.Floor != 0:
		return plinth.Invalid("baselineFloor", "the floor is a number not below 0, of the baseline same_hour alone")
	}
	return nil
}

func (i *Indicator) validLimits() error {
	for _, side := range []struct {
		field string
		l     Limits
		up    bool
	}{{"high", i.High, true}, {"low", i.Low, false}, {"districtHigh", i.District.High, true}, {"districtLow", i.District.Low, false}} {
		if err := side.l.validate(side.field, side.up, i.Baseline.Kind == Quantile); err != nil {
			return err
		}
	}
	if i.High.empty() && i.Low.empty() {
		return plinth.Invalid("high", "an indicator has a limit on at least one side")
	}
	own := !i.District.High.empty() || !i.District.Low.empty()
	absolute := i.Baseline.Kind == Fixed || i.Baseline.Kind == Standard
	if i.Rollup == Sum && absolute && !own {
		return plinth.Invalid("districtHigh", "the district is the sum of its streets, so it needs limits of its own")
	}
	if i.Rollup != Sum && own {
		return plinth.Invalid("districtHigh", "only a district that is the sum of its streets has limits of its own")
	}
	return nil
}

// validate checks that grades come in order: rising for high limits, falling for low ones.
func (l Limits) validate(field string, up, quantile bool) error {
	var before *float64
	for _, x := range []*float64{l.Notice, l.Warning, l.Urgent} {
		switch {
		case x == nil:
			continue
		case math.IsNaN(*x) || math.IsInf(*x, 0):
			return plinth.Invalid(field, "a limit is a finite number")
		case quantile && (*x <= 0 || *x >= 1):
			return plinth.Invalid(field, "a quantile lies between 0 and 1")
		case before != nil && (up && *x <= *before || !up && *x >= *before):
			return plinth.Invalid(field, "the limits must come in order: notice, warning, urgent")
		}
		before = x
	}
	return nil
}

// Direction is on which sides limits stand: "high", "low" or "both".
func (i *Indicator) Direction() string {
	switch {
	case i.Low.empty():
		return "high"
	case i.High.empty():
		return "low"
	}
	return "both"
}

// Version is one version of an indicator.
type Version struct {
	Indicator
	Version int
	Origin  Origin
	At      time.Time
	By      plinth.AccountID // empty for files
	Retired bool
	Record  string // id of the ledger record of a person's change, "" for files
	State   string // of that record: "pending", "sealed", "anchored"
}

// Origin is where a version comes from.
type Origin string

// The origins.
const (
	Shipped  Origin = "shipped"  // with the service
	Site     Origin = "site"     // a file of this site
	Declared Origin = "declared" // by a person
)

// String names the version in errors.
func (v Version) String() string { return fmt.Sprintf("%s version %d", v.ID, v.Version) }
