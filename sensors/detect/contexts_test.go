package detect_test

import (
	"testing"

	"plinth/sensors/detect"
)

func TestAContextualDetectorFitsItsMemory(t *testing.T) {
	if detect.ContextualBytes > detect.MaxState {
		t.Errorf("the detector takes %v bytes, the limit is %d", detect.ContextualBytes, detect.MaxState)
	}
}
