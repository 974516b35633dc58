package alarm_test

import (
	"context"
	"testing"
	"time"

	"plinth"
	"plinth/ledger"
	"plinth/sensors"
	"plinth/sensors/alarm"
)

// noMoves is a store in which nobody handles anything.
type noMoves struct{ *memory }

func (noMoves) MoveAlarm(context.Context, alarm.Alarm, alarm.State, alarm.Step, ledger.Record) error {
	return nil
}

// BenchmarkDecide is a message of one reading under one pack's rules.
func BenchmarkDecide(b *testing.B) {
	m := newMemory()
	e := alarm.New(alarm.Config{Packs: gates(b), Device: func(plinth.DeviceID) *sensors.Device { return &gate }, Store: noMoves{m}, Teller: m,
		States: m, Rows: m, Devices: func(string) []*sensors.Device { return nil }, Now: func() time.Time { return noon }})
	if err := e.Take(b.Context(), part); err != nil {
		b.Fatal(err)
	}
	r := reading(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		r.At, r.Seq = r.At.Add(time.Minute), r.Seq+1
		e.Decide(&gate, []sensors.Reading{r})
	}
}
