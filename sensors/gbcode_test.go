package sensors_test

import (
	"errors"
	"strings"
	"testing"

	"plinth"
	"plinth/sensors"
)

func TestACodeOfGB28181IsReadBySection(t *testing.T) {
	got, err := sensors.ParseCode("31010700001320000123")
	if want := (sensors.VideoCode{Division: "31010700", Industry: "00", Type: "132", Network: "0", Serial: "000123"}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for code, section := range map[string]string{"": "20 digits", "3101070000132000012": "20 digits", "310107000013200001234": "20 digits",
		"3101070000132000012x": "20 digits", "３１０１０７000013200001": "20 digits", "99010700001320000123": "division",
		"31000000001320000123": "division", "31010700001000000123": "type", "31010700001320000000": "serial"} {
		_, err := sensors.ParseCode(code)
		var e *plinth.Error
		if !errors.As(err, &e) || e.Field != "attrs.gb28181" || !strings.Contains(e.Text, section) {
			t.Errorf("%q: %v, want a word on the %s", code, err, section)
		}
	}
}

func TestACamerasCodeIsACameras(t *testing.T) {
	d := sensors.Device{ID: "cam-1", Kind: "camera", Owner: "police", Interval: 1e9, Metrics: []sensors.Metric{{Name: "online", Unit: "1"}}}
	for code, good := range map[string]bool{"31010700001320000123": true, "31010700001310000123": true, "31010700001180000123": false, "1": false} {
		d.Attrs = map[string]string{"gb28181": code}
		if err := d.Validate(); (err == nil) != good {
			t.Errorf("%s: %v", code, err)
		}
	}
}
