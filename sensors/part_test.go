package sensors_test

import (
	"testing"

	"plinth/sensors"
)

func TestAPartIsKnownByItsName(t *testing.T) {
	for _, p := range append(sensors.Parts("lift", 4), sensors.Parts("water_meter", 1)...) {
		got, err := sensors.ParsePart(p.Name())
		if err != nil || got.Name() != p.Name() || got.Filter() != p.Filter() {
			t.Errorf("%s is %v, %v", p.Name(), got, err)
		}
	}
	for _, name := range []string{"", "lift-p", "lift-p64", "lift-p-1", "lift-p+1", "lift-p1", "lift-px", "Lift", "lift/+", "-p01"} {
		if p, err := sensors.ParsePart(name); err == nil {
			t.Errorf("%q is taken for %v", name, p)
		}
	}
}
