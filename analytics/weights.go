package analytics

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// unknown is the level of a feature that could not be compared. It weighs nothing: silence is no evidence.
const unknown = ""

// Weights hold what fusion knows: for each level of each feature, how often it is seen between reports of one incident
// (m) and between reports of different incidents that lie in one block (u). It is data with a version, fitted by Fit.
type Weights struct {
	Version  string                     `json:"version"`
	Fitted   string                     `json:"fitted"` // on what
	Prior    float64                    `json:"prior"`  // log2 odds that an event and a candidate belong together
	Attach   float64                    `json:"attach"` // least score, log2 odds, to attach
	Features map[string]map[string]Odds `json:"features"`
	weights  map[[3]string]float64      // by feature, condition and level
	best     map[[2]string]float64
}

// Odds are the m and u of one level.
type Odds struct {
	M float64 `json:"m"`
	U float64 `json:"u"`
}

//go:embed weights.json
var currentWeights []byte

// CurrentWeights returns the weights that ship with the service.
func CurrentWeights() *Weights {
	t, err := ParseWeights(currentWeights)
	if err != nil {
		panic(err) // a test proves the embedded one
	}
	return t
}

// ParseWeights reads weights and checks them.
func ParseWeights(data []byte) (*Weights, error) {
	var t Weights
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("read the weights: %w", err)
	}
	if t.Version == "" || len(t.Features) == 0 {
		return nil, fmt.Errorf("read the weights: a table has a version and features")
	}
	return &t, t.compile()
}

// compile computes the weights once.
func (t *Weights) compile() error {
	t.weights, t.best = map[[3]string]float64{}, map[[2]string]float64{}
	for heading, levels := range t.Features {
		feature, given, _ := strings.Cut(heading, " | ")
		for name, o := range levels {
			if !(o.M > 0 && o.M <= 1 && o.U > 0 && o.U <= 1) {
				return fmt.Errorf("read the weights: %s %q has m %v, u %v; both lie in (0, 1]", heading, name, o.M, o.U)
			}
			w := math.Round(1000*math.Log2(o.M/o.U)) / 1000
			t.weights[[3]string{feature, given, name}] = w
			t.best[[2]string{feature, given}] = max(t.best[[2]string{feature, given}], w)
		}
	}
	return nil
}

// weight of a finding; 0 for unknown and for levels that the table does not have.
func (t *Weights) weight(f *finding) float64 {
	return t.weights[[3]string{f.feature, f.given, f.level}]
}

// The features.
const (
	featTime    = "time"
	featPlace   = "place"
	featClass   = "class"
	featText    = "text"
	featAddress = "address"
)
