package pack

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/detect"
)

// Limits of a pack.
const (
	maxRules  = 32
	maxLimits = 128
	maxText   = 500
	maxWithin = 31 * 24 * time.Hour
)

var (
	word    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	version = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$`)
)

// check reports what is wrong with p's values.
func (r *reader) check(p *Pack) {
	if !word.MatchString(p.Kind) {
		r.add("kind", "a kind is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
	}
	if !version.MatchString(p.Version) {
		r.add("version", "a version is 1 to 32 letters, digits, dots and dashes")
	}
	r.checkTitle("name", p.Name)
	if p.Interval != 0 && (p.Interval < time.Second || p.Interval > maxWithin) {
		r.add("interval", "the interval is 1 s to 31 days, is %s", p.Interval)
	}
	if p.Codec != "" && !slices.Contains(sensors.Codecs, p.Codec) {
		r.add("codec", "the codec is one of %s", strings.Join(sensors.Codecs, ", "))
	}
	if p.Privacy != "" && !slices.Contains(sensors.Privacies, p.Privacy) {
		r.add("privacy", "it is one of %v", sensors.Privacies)
	}
	for i, f := range p.OnFile {
		if !slices.Contains(sensors.FileFields, f) {
			r.add(fmt.Sprintf("on_file[%d]", i), "what must be on file is of %v", sensors.FileFields)
		}
	}
	r.checkMetrics(p)
	r.checkLimits(p)
	r.checkRules(p)
}

func (r *reader) checkTitle(field string, t sensors.Text) {
	for key, s := range map[string]string{"zh": t.ZH, "en": t.EN} {
		switch {
		case strings.TrimSpace(s) == "":
			r.add(field+"."+key, "it is missing: people read it in both languages")
		case utf8.RuneCountInString(s) > maxText:
			r.add(field+"."+key, "it has more than %d characters", maxText)
		}
	}
}

func (r *reader) checkMetrics(p *Pack) {
	if len(p.Metrics) == 0 || len(p.Metrics) > sensors.MaxMetrics {
		r.add("metrics", "a pack has 1 to %d metrics, here are %d", sensors.MaxMetrics, len(p.Metrics))
	}
	seen := map[string]bool{}
	for i, m := range p.Metrics {
		at := fmt.Sprintf("metrics[%d]", i)
		if !word.MatchString(m.Name) {
			r.add(at+".name", "a metric's name is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
		}
		if seen[m.Name] {
			r.add(at+".name", "the metric %s is there twice", m.Name)
		}
		seen[m.Name] = true
		r.checkTitle(at+".title", m.Title)
		if !validUnit(m.Unit) {
			r.add(at+".unit", "a unit is UCUM, e.g. Cel, m/s, mg/L, 1: printable ASCII of 1 to 32 without blanks")
		}
		if !finite(m.Min) || !finite(m.Max) || m.Min > m.Max {
			r.add(at+".max", "the range is finite numbers, min below max")
		}
		for key, v := range map[string]float64{"rate": m.Rate, "resolution": m.Resolution, "step": m.Step, "drift": m.Drift,
			"stuck": float64(m.Stuck), "flat": float64(m.Flat)} {
			if !finite(v) || v < 0 {
				r.add(at+"."+key, "it is a number from 0")
			}
		}
	}
}

// validUnit checks the form of a unit (UCUM §2: terminal symbols are ASCII 33 to 126). Whether it is known is the codecs' part.
func validUnit(s string) bool {
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func (r *reader) checkLimits(p *Pack) {
	if len(p.Limits) > maxLimits {
		r.add("limits", "a pack has at most %d limits", maxLimits)
	}
	for i, l := range p.Limits {
		at := fmt.Sprintf("limits[%d]", i)
		if _, ok := p.Metric(l.Metric); !ok {
			r.add(at+".metric", "the pack has no metric %q", l.Metric)
		}
		if (l.Above == nil) == (l.Below == nil) {
			r.add(at, "a limit has one of above and below")
		}
		for key, v := range map[string]*float64{"above": l.Above, "below": l.Below} {
			if v != nil && !finite(*v) {
				r.add(at+"."+key, "it is a finite number")
			}
		}
		if strings.TrimSpace(l.Source) == "" {
			r.add(at+".source", "a limit names its standard and clause")
		}
		r.checkTitle(at+".title", l.Title)
	}
}

func (r *reader) checkRules(p *Pack) {
	if len(p.Rules) > maxRules {
		r.add("rules", "a pack has at most %d rules", maxRules)
	}
	seen := map[string]bool{}
	for i := range p.Rules {
		rule, at := &p.Rules[i], fmt.Sprintf("rules[%d]", i)
		if !word.MatchString(rule.Name) {
			r.add(at+".name", "a rule's name is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
		}
		if seen[rule.Name] {
			r.add(at+".name", "the rule %s is there twice", rule.Name)
		}
		seen[rule.Name] = true
		r.checkTitle(at+".title", rule.Title)
		r.checkDetector(p, rule, at)
		r.checkTexts(rule, at)
		r.checkDispatch(rule, at)
		if u := rule.Unless.Permit; u != "" && !word.MatchString(u) {
			r.add(at+".unless.permit", "a kind of permit is 1 to 32 of a-z, 0-9 and _, and begins with a letter")
		}
	}
}

// checkDetector tries the rule on a device of the kind.
func (r *reader) checkDetector(p *Pack, rule *Rule, at string) {
	if detect.Kinds[rule.Detector] == nil {
		r.add(at+".detector", "there is no detector %q; there are %s", rule.Detector, strings.Join(sortedKeys(detect.Kinds), ", "))
		return
	}
	if rule.Params.Params == nil {
		return
	}
	before := len(r.faults)
	for i, name := range rule.Metrics {
		if _, ok := p.Metric(name); !ok {
			r.add(fmt.Sprintf("%s.metrics[%d]", at, i), "the pack has no metric %q", name)
		}
	}
	if err := rule.Params.Validate(); err != nil {
		r.refused(at+".params", err)
	}
	if len(r.faults) > before {
		return
	}
	d := &sensors.Device{ID: "any", Kind: p.Kind, Owner: "any", Interval: max(p.Interval, time.Second), Metrics: p.Known().Metrics,
		Attrs: sampleAttrs(rule)}
	if _, err := rule.Params.New(d, rule.Metrics); err != nil {
		r.refused(at, err)
	}
}

// sampleAttrs are attributes that a detector may ask of a device; a device that lacks one is not watched by the rule.
func sampleAttrs(rule *Rule) map[string]string {
	attrs := map[string]string{"rated_speed": "1.75", "inspection_due": "2026-12-31", "water_class": "3"}
	if o, ok := rule.Params.Params.(*detect.Overdue); ok && o.Attr != "" {
		attrs[o.Attr] = "2026-12-31"
	}
	return attrs
}

// refused reports an error of the detector by its field.
func (r *reader) refused(at string, err error) {
	var e *plinth.Error
	if errors.As(err, &e) && e.Field != "" {
		r.add(at+"."+e.Field, "%s", e.Text)
		return
	}
	r.add(at, "%s", err)
}

func (r *reader) checkTexts(rule *Rule, at string) {
	if len(rule.Texts) == 0 || rule.Text != (sensors.Text{}) {
		r.checkTemplate(at+".text", rule.Text)
	}
	for _, g := range grades {
		if t, ok := rule.Texts[g]; ok {
			r.checkTemplate(at+".texts."+g.String(), t)
		}
	}
}

var grades = []detect.Grade{detect.Notice, detect.Warning, detect.Urgent}

func (r *reader) checkTemplate(field string, t sensors.Text) {
	r.checkTitle(field, t)
	for key, s := range map[string]string{"zh": t.ZH, "en": t.EN} {
		if strings.ContainsAny(blank.ReplaceAllString(s, ""), "{}") {
			r.add(field+"."+key, "a brace holds the name of a fact, e.g. {value}")
		}
	}
}

func (r *reader) checkDispatch(rule *Rule, at string) {
	for _, g := range grades {
		by, ok := rule.Dispatch[g]
		if !ok {
			continue
		}
		field := at + ".dispatch." + g.String()
		if !word.MatchString(by.Unit) {
			r.add(field+".unit", "a unit is a department's id, owner, or street")
		}
		if by.Within < 0 || by.Within > maxWithin {
			r.add(field+".within", "the time to respond is 0 to 31 days, is %s", by.Within)
		}
	}
}
