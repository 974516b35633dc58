package api

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/sensors/alarm"
)

// alarmNews is an alarm that changed; each looker sees of it what it may.
type alarmNews struct{ alarm.Alarm }

func (n alarmNews) shown(o onlooker) any {
	b, err := protojson.Marshal(alarmFor(n.Alarm, o))
	if err != nil {
		return nil // a text that is not UTF-8; the list names it
	}
	return json.RawMessage(b)
}

// alarmFor is a as the looker may see it, without its life and rows.
func alarmFor(a alarm.Alarm, o onlooker) *pb.Alarm {
	out := NewAlarm(a)
	if !o.reads(a) {
		withhold(out)
	}
	return out
}

// reads tells whether the looker may see what an alarm found: it may see the device's values, or must answer it.
func (o onlooker) reads(a alarm.Alarm) bool {
	answers := o.Department != "" && o.Department == a.Unit && o.Has(plinth.RoleProvider)
	return answers || a.About(o.device).Shows(o.Principal)
}

// hidden are the homes of whose alarms p may not see what was found; nil when there are none.
func (s *alarmService) hidden(p plinth.Principal) *alarm.Homes {
	if p.Has(plinth.RoleOperator, plinth.RoleAuditor) {
		return nil
	}
	h := &alarm.Homes{}
	if h.Kinds, h.Devices = s.Homes(); p.Has(plinth.RoleProvider) {
		h.Except = p.Department
	}
	return h
}

// withhold leaves of an alarm that there is one on the device, how grave it is and how far it was handled.
func withhold(a *pb.Alarm) {
	a.Withheld, a.Title, a.Rule, a.Basis = true, sensorText(alarm.HomeTitle), "", ""
	a.Text, a.Facts, a.Score, a.Note, a.Permit, a.Outcome = nil, nil, 0, "", "", ""
}

// withholdSteps takes people's words out of an alarm's life.
func withholdSteps(a *pb.Alarm) {
	for _, s := range a.Timeline {
		s.Note = ""
	}
}
