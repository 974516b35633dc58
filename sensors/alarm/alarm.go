// Package alarm decides on readings as they arrive, by the scenario packs' rules, and carries alarms through their life:
// raised, regraded, ended, withdrawn by late data, acknowledged and handled by people. An alarm is told only when the
// rows it rests on are stored, and is never deleted. The detectors themselves are in sensors/detect, the rules in
// sensors/pack; the store is internal/postgres.
package alarm

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/sensors"
)

// ID names an alarm. It follows from what the alarm is about, so that deciding again names the same one.
type ID string

// Identity is the id of the alarm that a rule raises on a device for a condition that began at since, by a version of
// the pack. The same rows give the same id, after a redelivery, a restart or a replay.
func Identity(device plinth.DeviceID, rule, pack string, since time.Time) ID {
	return ID("al_" + tag("alarm", string(device), rule, pack, strconv.FormatInt(since.UnixMilli(), 10)))
}

// tag is 128 bits of a hash of texts, in 26 letters.
func tag(texts ...string) string {
	var b []byte
	for _, s := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	h := sha256.Sum256(b)
	return idAlphabet.EncodeToString(h[:16])
}

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Grade is how bad it is.
type Grade uint8

// The grades, 提示, 预警 and 紧急. Zero is none: the condition has ended.
const (
	Notice Grade = iota + 1
	Warning
	Urgent
)

// State is where an alarm stands with people. Whether the condition lasts is Ended.
type State string

// The states of an alarm.
const (
	Open         State = "open"         // 待确认: nobody has seen it yet
	Acknowledged State = "acknowledged" // 已确认: someone goes there
	Handled      State = "handled"      // 已处置: someone said what it was
	Withdrawn    State = "withdrawn"    // 已撤回: late data refuted it before anybody handled it
)

// Outcome is what people found.
type Outcome string

// The outcomes of a handled alarm. The detectors learn from False.
const (
	Real        Outcome = "real"
	False       Outcome = "false"
	Duplicate   Outcome = "duplicate"
	Maintenance Outcome = "maintenance"
)

// Outcomes are all outcomes, in the order they are shown.
var Outcomes = []Outcome{Real, False, Duplicate, Maintenance}

// Row names a stored reading of the alarm's device.
type Row struct {
	Metric string
	At     time.Time
	Seq    uint64
}

// MaxRows is the most rows that an alarm names as its evidence.
const MaxRows = 16

// Alarm says that a device's readings met a rule's condition from a moment on.
type Alarm struct {
	ID          ID
	Device      plinth.DeviceID
	DeviceName  sensors.Text
	Kind        string // of the device
	Rule        string
	Pack        string       // the version of the kind's pack
	Title, Text sensors.Text // what the rule is called, and what was found
	Basis       string       // the standard and clause of the limit; empty when it is the district's own
	Class       string       // of the event standard, for fusion
	Grade, Peak Grade
	State       State
	Since       time.Time // when the condition began
	Raised      time.Time // when it was told
	Ended       time.Time // zero while the condition lasts
	At          time.Time // of the newest verdict

	Street, Grid, Site  string
	Longitude, Latitude float64
	Owner, Unit         plinth.AgentID // the device's owner, and who must answer
	RespondBy           time.Time      // zero when the rule sets no time
	Permit              string         // "none" when a permit was looked for and not found; else empty

	Acknowledger, Handler     plinth.AccountID
	AcknowledgedAt, HandledAt time.Time
	Outcome                   Outcome
	Note                      string

	Score    float64
	Facts    map[string]string
	Rows     []Row
	Record   uuid.UUID // of the newest step
	Event    uuid.UUID // the number of its event when it is of a home; set by the store, and no more than a number
	Evidence string    // how far the record has come; set by the store
}

// Active tells whether people still have to do something.
func (a *Alarm) Active() bool { return a.State == Open || a.State == Acknowledged }

// Step is one line of an alarm's life.
type Step struct {
	At       time.Time
	Action   string           // an Op, or "acknowledged", "handled", "reopened"
	Actor    plinth.AccountID // empty when it was the service
	Grade    Grade            // after it
	Note     string
	Record   uuid.UUID
	Evidence string
}

// Op is what a decision does to its alarm.
type Op string

// What decisions do.
const (
	Raise    Op = "raised"
	Regrade  Op = "regraded"
	End      Op = "ended"
	Withdraw Op = "withdrawn"
)

// Decision is what the rules say of a device's readings, to be told once the rows are stored. Alarm is complete as the
// rule sees it: everything but what people did. Deciding and telling it twice changes nothing.
type Decision struct {
	Op    Op
	At    time.Time // of the verdict, by the readings' clock
	Alarm Alarm
	Note  string // why it is withdrawn
}

// Filter narrows a list. Zero fields do not narrow.
type Filter struct {
	State        State // "active" is Open or Acknowledged
	Grade        Grade // at least this
	Kind, Street string
	Rule         string
	Unit         plinth.AgentID
	Device       plinth.DeviceID
	From, To     time.Time // of Raised
	Without      *Homes    // nil leaves nothing out

	After *Cursor // the last one of the page before
	Limit int
}

// Homes are devices that tell how people live: of kinds, and others one by one.
type Homes struct {
	Kinds   []string
	Devices []plinth.DeviceID
	Except  plinth.AgentID // those of whom it is the unit, the owner or the street; "" of none
}

// Cursor is a place in the list of alarms: newest raised first, then by id.
type Cursor struct {
	Raised time.Time
	ID     ID
}

// ActiveState narrows a list to the alarms that somebody still has to handle.
const ActiveState State = "active"

// Validate tells what is wrong with f as ErrInvalid with the field.
func (f Filter) Validate() error {
	states := []State{"", ActiveState, Open, Acknowledged, Handled, Withdrawn}
	switch {
	case !slices.Contains(states, f.State):
		return plinth.Invalid("state", "%.40q is not one of %v", f.State, states[1:])
	case f.Grade > Urgent:
		return plinth.Invalid("grade", "must be 0 to %d", Urgent)
	}
	return nil
}

// Counts are numbers of alarms, by what they are.
type Counts struct {
	Total, Overdue                   int
	State, Grade, Kind, Street, Unit map[string]int
}
