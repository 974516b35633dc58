package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

func TestTheEventOfAHomesAlarmDoesNotTellTheHome(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	a := alarm.Alarm{ID: alarm.Identity("meter-1", "no_use", "1", at), Device: "meter-1", DeviceName: sensors.Text{ZH: "王家水表"}, Kind: "meter",
		Rule: "no_use", Class: "民政/社会救助/孤寡老人关爱", Title: sensors.Text{ZH: "长时间未用水"}, Text: sensors.Text{ZH: "王家水表已 14 小时未用水"},
		Grade: alarm.Warning, Peak: alarm.Warning, State: alarm.Handled, Outcome: alarm.Real, Since: at, Street: "taopu", Grid: "taopu-7",
		Site: "桃浦新村12号502", Longitude: 121.3712, Latitude: 31.2845, Owner: "civil", Unit: "taopu", Event: uuid.New()}
	devices := map[plinth.DeviceID]*sensors.Device{"meter-1": {ID: "meter-1", Kind: "meter", Attrs: map[string]string{"privacy": "home"}}}
	find := func(id plinth.DeviceID) *sensors.Device { return devices[id] }
	b, err := json.Marshal(eventOf(&a, find, at))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{string(a.ID), "meter", "no_use", "孤寡", "用水", "王家", "新村", "121.37", "31.28", "real"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the event tells %q: %s", secret, b)
		}
	}
	for _, said := range []string{a.Event.String(), "taopu-7", "warning", "handled"} {
		if !strings.Contains(string(b), said) {
			t.Errorf("the event does not say %q: %s", said, b)
		}
	}
	devices["meter-1"].Attrs = nil
	if e := eventOf(&a, find, at); e.SourceID != string(a.ID) || e.Title != a.Title.ZH || e.Longitude != a.Longitude {
		t.Errorf("the event of another device's alarm: %+v", e)
	}
}
