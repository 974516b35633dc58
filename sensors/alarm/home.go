package alarm

import (
	"plinth"
	"plinth/sensors"
)

// HomeTitle stands for the title of an alarm that tells how someone lives.
var HomeTitle = sensors.Text{ZH: "涉户告警，内容仅处置单位可见", EN: "Alarm of a home, shown to those who must answer"}

// About is the device that a is of; of one that find does not know, what a says of it: its kind and place decide then.
func (a *Alarm) About(find func(plinth.DeviceID) *sensors.Device) *sensors.Device {
	if find != nil {
		if d := find(a.Device); d != nil {
			return d
		}
	}
	return &sensors.Device{ID: a.Device, Kind: a.Kind, Owner: a.Owner, Street: a.Street}
}
