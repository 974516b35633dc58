package catalog

import (
	"slices"
	"time"

	"plinth"
)

// Rule is one version of one number that the law or the district sets. Rules are data: a new version is added, an old
// one is never changed, so that an old case can be judged by the rule of its day.
type Rule struct {
	Key       string
	Version   int
	Value     int
	Unit      string // "working_days", "years", "hours", "days"
	Source    string // the regulation and article, or who set it
	ValidFrom time.Time
}

// The keys of rules that the catalogue asks for.
const (
	RuleAccept   = "registration.accept"   // until a submission is accepted or returned
	RuleReview   = "registration.review"   // until an accepted one is reviewed
	RuleReturn   = "registration.return"   // until a returned one is submitted again
	RuleNotice   = "registration.notice"   // of public notice before it may be registered
	RuleValidity = "registration.validity" // of a registration

	RuleRealtime  = "timeliness.realtime"
	RuleDaily     = "timeliness.daily"
	RuleWeekly    = "timeliness.weekly"
	RuleMonthly   = "timeliness.monthly"
	RuleQuarterly = "timeliness.quarterly"
	RuleYearly    = "timeliness.yearly"
	RuleGrace     = "timeliness.grace" // added to all but realtime
)

// Rules are the values in force at one time, by key.
type Rules map[string]int

// RulesAt picks of all versions those in force at t.
func RulesAt(all []Rule, t time.Time) Rules {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Rule) int { return a.Version - b.Version })
	out := Rules{}
	for _, r := range sorted {
		if !r.ValidFrom.After(t) {
			out[r.Key] = r.Value
		}
	}
	return out
}

// Need returns a rule's value, or an error that tells the operator which rule is missing: a clock is never guessed.
func (r Rules) Need(key string) (int, error) {
	v, ok := r[key]
	if !ok {
		return 0, plinth.Errorf(plinth.ErrUnavailable, "the rule %s is not set", key)
	}
	return v, nil
}

// Timeliness is the verdict on how fresh a dataset's rows are.
type Timeliness string

// The verdicts. What has no rows to measure, or no period, is unknown, never on time.
const (
	OnTime  Timeliness = "on_time"
	Late    Timeliness = "late"
	Unknown Timeliness = "unknown"
)

// Judge holds the newest row's time against the declared period: late when the next update is overdue at now, counted
// by the rule of the period and a grace of working days.
func Judge(frequency string, until, now time.Time, r Rules, c Calendar) Timeliness {
	if until.IsZero() {
		return Unknown
	}
	period, ok := r["timeliness."+frequency]
	if !ok {
		return Unknown
	}
	due := until.AddDate(0, 0, period)
	if frequency == "realtime" {
		due = until.Add(time.Duration(period) * time.Hour)
	} else {
		due = c.Due(due, r[RuleGrace])
	}
	if now.After(due) {
		return Late
	}
	return OnTime
}
