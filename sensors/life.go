package sensors

import (
	"slices"

	"plinth"
)

// Life is where a device stands between its plan and its end.
type Life string

// The stages of a device's life.
const (
	Planned     Life = "planned"     // 规划: it may be registered before it hangs on the wall
	Active      Life = "active"      // 在用
	Maintenance Life = "maintenance" // 检修: its readings are stored, and it need not be online
	Retired     Life = "retired"     // 退役: for ever
)

// Lives are the stages in their order.
var Lives = []Life{Planned, Active, Maintenance, Retired}

// moves is the whole table: where a device may go from a stage.
var moves = map[Life][]Life{
	Planned:     {Active, Retired},
	Active:      {Maintenance, Retired},
	Maintenance: {Active, Retired},
}

// Next are the stages that may follow, none after the last.
func (l Life) Next() []Life { return moves[l.or()] }

// or reads "", which devices from before there were stages have, as active.
func (l Life) or() Life {
	if l == "" {
		return Active
	}
	return l
}

// move checks the step from one stage to the next.
func (l Life) move(to Life) error {
	switch {
	case !slices.Contains(Lives, to):
		return plinth.Invalid("life", "a device is one of %v", Lives)
	case l.or() == Retired:
		return plinth.Errorf(plinth.ErrConflict, "the device is retired; register its successor under another id")
	case !slices.Contains(l.Next(), to):
		return plinth.Errorf(plinth.ErrConflict, "a device that is %s may become one of %v, not %s", l.or(), l.Next(), to)
	}
	return nil
}

// InUse tells whether d is expected to report.
func (d *Device) InUse() bool { return d.Life.or() == Active }

// Refuses tells why no reading of d can be stored, or "": only a device in use or in maintenance measures.
func (d *Device) Refuses() string {
	switch d.Life.or() {
	case Planned:
		return "the device is planned and not yet in use"
	case Retired:
		return "the device is retired"
	}
	return ""
}
