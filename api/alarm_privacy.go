package api

import (
	"encoding/json"

	"google.golang.org/protobuf/encoding/protojson"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/sensors"
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
	var d *sensors.Device
	if o.device != nil {
		d = o.device(a.Device)
	}
	if d == nil { // not registered here; its kind and place decide
		d = &sensors.Device{ID: a.Device, Kind: a.Kind, Owner: a.Owner, Street: a.Street}
	}
	answers := o.Department != "" && o.Department == a.Unit && o.Has(plinth.RoleProvider)
	return answers || d.Shows(o.Principal)
}

// withheldTitle stands for the title of an alarm that tells how someone lives.
var withheldTitle = sensors.Text{ZH: "涉户告警，内容仅处置单位可见", EN: "Alarm of a home, shown to those who must answer"}

// withhold leaves of an alarm that there is one on the device, how grave it is and how far it was handled.
func withhold(a *pb.Alarm) {
	a.Withheld, a.Title, a.Rule, a.Basis = true, sensorText(withheldTitle), "", ""
	a.Text, a.Facts, a.Score, a.Note, a.Permit, a.Outcome = nil, nil, 0, "", "", ""
}

// withholdSteps takes people's words out of an alarm's life.
func withholdSteps(a *pb.Alarm) {
	for _, s := range a.Timeline {
		s.Note = ""
	}
}
