package analytics_test

import (
	"testing"

	"plinth/internal/stack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }
