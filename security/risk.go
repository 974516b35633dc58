package security

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/policy"
)

// RiskRule is one version of a rule that watches consumers. Params are figures by name (law is data).
type RiskRule struct {
	ID       string
	Title    policy.Text
	Severity int
	Params   map[string]float64
}

// The rules that the code knows; a rule of another id is ignored.
const (
	RuleVolume = "volume.habit"
	RuleDenied = "denied.burst"
)

// Use is what one consumer did with one dataset on one day.
type Use struct {
	Consumer   plinth.AccountID
	Department plinth.AgentID
	Dataset    plinth.DatasetID
	Day        string
	Rows       int64
	Queries    int64
	Denied     int64
}

// Finding is what was observed against what was expected.
type Finding struct {
	Feature  string      `json:"feature"`
	Observed float64     `json:"observed"`
	Expected float64     `json:"expected"`
	Score    float64     `json:"score"`
	Detail   policy.Text `json:"detail"`
}

// habit is a consumer's usual amount: the median and the spread of log(1+x) over its days. Both bear up against a few
// odd days, which a mean would not.
type habit struct {
	days   int
	median float64
	mad    float64
}

// habitOf takes the days of the same sort as the day, working or weekend, when there are enough of them.
func habitOf(past []Use, day string, minDays int) habit {
	var same, all []float64
	for _, u := range past {
		v := math.Log1p(float64(u.Rows))
		all = append(all, v)
		if weekend(u.Day) == weekend(day) {
			same = append(same, v)
		}
	}
	if len(same) < minDays {
		same = all
	}
	m := median(same)
	off := make([]float64, len(same))
	for i, v := range same {
		off[i] = math.Abs(v - m)
	}
	return habit{days: len(same), median: m, mad: median(off)}
}

func weekend(day string) bool {
	t, err := time.Parse(time.DateOnly, day)
	return err == nil && (t.Weekday() == time.Saturday || t.Weekday() == time.Sunday)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}

// volume judges a day's rows against the habit. The spread has a floor, since a consumer that always reads the same
// would otherwise be odd at one row more.
func volume(r RiskRule, today Use, past []Use) (Finding, bool) {
	h := habitOf(past, today.Day, int(r.Params["min_days"]))
	usual := math.Expm1(h.median)
	z := 0.6745 * (math.Log1p(float64(today.Rows)) - h.median) / max(h.mad, r.Params["mad_floor"], 0.01)
	f := Finding{Feature: "rows", Observed: float64(today.Rows), Expected: math.Round(usual), Score: math.Round(z*100) / 100,
		Detail: policy.Text{
			ZH: fmt.Sprintf("当日读取 %d 行，过去 %d 个使用日的中位数为 %.0f 行", today.Rows, h.days, usual),
			EN: fmt.Sprintf("read %d rows today; the median of %d days of use is %.0f", today.Rows, h.days, usual)}}
	odd := h.days >= int(r.Params["min_days"]) && float64(today.Rows) >= r.Params["min_rows"] && z >= r.Params["z"] &&
		float64(today.Rows) >= r.Params["times"]*max(usual, 1)
	return f, odd
}

// denials judges a burst of denied uses.
func denials(r RiskRule, n int64) (Finding, bool) {
	limit := r.Params["count"]
	f := Finding{Feature: "denied", Observed: float64(n), Expected: limit, Score: math.Round(float64(n)/max(limit, 1)*100) / 100,
		Detail: policy.Text{
			ZH: fmt.Sprintf("%.0f 分钟内被拒绝 %d 次", r.Params["minutes"], n),
			EN: fmt.Sprintf("denied %d times within %.0f minutes", n, r.Params["minutes"])}}
	return f, limit > 0 && float64(n) >= limit
}

// Band names a score's band.
func Band(score float64) string {
	switch {
	case score >= 80:
		return "critical"
	case score >= 60:
		return "high"
	case score >= 30:
		return "medium"
	}
	return "low"
}

// Score joins a consumer's alerts: the worst counts whole, each further one less, and all fade by half in seven days.
// An alert that was resolved counts no more.
func Score(alerts []Alert, now time.Time) float64 {
	var parts []float64
	for _, a := range alerts {
		if a.State == AlertResolved {
			continue
		}
		age := max(now.Sub(a.At), 0).Hours() / (7 * 24)
		parts = append(parts, float64(a.Severity)*math.Pow(2, -age))
	}
	slices.SortFunc(parts, func(a, b float64) int { return cmp.Compare(b, a) })
	sum := 0.0
	for i, p := range parts {
		sum += p / math.Pow(float64(i+1), 1.5)
	}
	return math.Round(min(sum, 100)*10) / 10
}

// Watched is what the watch reads and writes. Writes commit with their ledger records.
type Watched interface {
	RiskRules(ctx context.Context, at time.Time) ([]RiskRule, error)
	// Uses returns the consumer's days of use from the first day to the last, both included, by dataset and day. An
	// empty dataset means all.
	Uses(ctx context.Context, consumer plinth.AccountID, dataset plinth.DatasetID, first, last string) ([]Use, error)
	// DecisionsOf returns ids of decisions since a moment, newest first: denials only, or those that gave rows.
	DecisionsOf(ctx context.Context, consumer plinth.AccountID, dataset plinth.DatasetID, denied bool, since time.Time, most int) ([]plinth.DecisionID, int64, error)
	// AddAlert adds an alert once per rule, consumer, dataset and day, and tells whether it was the first.
	AddAlert(ctx context.Context, a Alert, rec ledger.Record) (bool, error)
}

// Scores keeps what the policy must know of a consumer.
type Scores interface {
	AlertsOf(ctx context.Context, consumer plinth.AccountID, since time.Time) ([]Alert, error)
	// Scored are the consumers whose score is above zero.
	Scored(ctx context.Context) ([]plinth.AccountID, error)
	// SaveRisk writes score, band and containment; nothing when they are as they were.
	SaveRisk(ctx context.Context, consumer plinth.AccountID, score float64, band string, contained bool, at time.Time) error
}

// riskRecord makes the record of a step of an alert, which is a case of its own.
func riskRecord(kind, org string, alert plinth.AlertID, at time.Time, payload []byte, inputs ...uuid.UUID) ledger.Record {
	id, err := uuid.NewV7()
	if err != nil {
		panic("security: no randomness: " + err.Error())
	}
	about := "alert:" + string(alert)
	return ledger.Record{ID: id, Origin: ledger.Authz, Kind: kind, Org: org, Subject: about, Case: about, From: at, To: at, Count: 1,
		Payload: payload, Relation: ledger.Generated, Inputs: inputs}
}
