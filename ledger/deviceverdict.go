package ledger

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// What VerifyDevice checks beside what Verify does.
const (
	CheckDeviceLog     Check = "device-log"
	CheckSegmentChain  Check = "segment-chain"
	CheckSegmentsInLog Check = "segments-in-log"
	CheckSegments      Check = "segments"
	CheckSuperseding   Check = "superseding"
	CheckNewestEnd     Check = "newest-end"
	CheckReadings      Check = "readings"
)

// What a device file cannot prove, listed when it applies.
const (
	NotAfterCheckpoint Check = "after-checkpoint" // what was recorded later
	NotEarlierSegments Check = "earlier-segments" // the file does not begin at the device's first entry
	NotNewestEnd       Check = "later-segments"   // the file does not show the log's end
	NotOtherTag        Check = "other-subject-tag"
	NotSilence         Check = "silence"                  // why a window has no segment
	NotWithheld        Check = "segments-without-payload" // what segments hold whose payload was shredded or withheld
)

// Parts of a device file that can be at fault.
const (
	PartSegment Part = "segment"
	PartProof   Part = "segments or proof"
	PartDevice  Part = "device"
	PartReading Part = "reading"
)

// DeviceVerdict is what VerifyDevice found. What it tells beside the word is proven only if Word says so.
type DeviceVerdict struct {
	Verdict
	Device      string
	From, To    time.Time // the stretch that was asked for
	First, Last uint64    // numbers of the first and the last entry in the file; none between is missing
	EndProven   bool      // the last is the device's newest under the checkpoint
	// Windows are the segments in force within the stretch, in order of time: for each window the newest.
	Windows []DeviceWindow
	// Gaps are the parts of the stretch that no segment of the file covers. A window without readings has no segment.
	Gaps     []Stretch
	Readings []ProvenReading
}

// DeviceWindow is one segment and where it is in the log.
type DeviceWindow struct {
	Segment
	Seq        uint64 // among the device's entries
	Index      int64  // in the log
	Record     uuid.UUID
	Supersedes uuid.UUID // the record whose place it takes, zero when none
	// Withheld tells that the file has no payload of it, as after an erasure. Root is zero then: window, count and place
	// are the entry's, and which readings it covers is not proven.
	Withheld bool
}

// Stretch is a part of time, the start included.
type Stretch struct{ From, To time.Time }

// ProvenReading is a reading and the segment that it lies in.
type ProvenReading struct {
	Reading
	Segment uint64 // number among the device's entries
	Record  uuid.UUID
	Current bool // no later segment in the file supersedes that one
}

// DeviceReport is a DeviceVerdict for machines and pages.
type DeviceReport struct {
	Report
	Device *DeviceProof `json:"device,omitempty"`
}

// DeviceProof is what is proven of a device.
type DeviceProof struct {
	Device       string       `json:"device"`
	From         time.Time    `json:"from"`
	To           time.Time    `json:"to"`
	FirstSeq     uint64       `json:"firstSeq"`
	LastSeq      uint64       `json:"lastSeq"`
	EndProven    bool         `json:"endProven"`
	Readings     uint64       `json:"readingsCovered"`
	Windows      []WindowOut  `json:"windows"`
	Gaps         []StretchOut `json:"gaps"`
	Proven       []ReadingOut `json:"provenReadings,omitempty"`
	Origin       string       `json:"origin"`
	Size         int64        `json:"size"`
	RootHash     string       `json:"rootHash"`
	Channel      string       `json:"channel"`
	Chaincode    string       `json:"chaincode"`
	Block        uint64       `json:"block"`
	TxID         string       `json:"txId"`
	Organisation []string     `json:"organisations"`
}

// WindowOut is one segment in force.
type WindowOut struct {
	Seq        uint64    `json:"seq"`
	Index      int64     `json:"index"`
	Record     string    `json:"record"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Count      uint64    `json:"count"`
	RootHash   string    `json:"rootHash"` // empty when withheld
	Withheld   bool      `json:"withheld,omitempty"`
	Supersedes string    `json:"supersedes,omitempty"`
}

// StretchOut is a part of the period without a segment.
type StretchOut struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// ReadingOut is one proven reading.
type ReadingOut struct {
	Metric  string    `json:"metric"`
	At      time.Time `json:"at"`
	Seq     uint64    `json:"seq"`
	Value   float64   `json:"value"`
	Segment uint64    `json:"segment"`
	Record  string    `json:"record"`
	Current bool      `json:"current"`
}

// Report makes the report of a verdict and the error that came with it. It tells of the device only what is proven.
func (v DeviceVerdict) Report(err error) DeviceReport {
	r := v.Verdict.Report(err)
	r.Proof = nil
	out := DeviceReport{Report: r}
	if v.Word == Proven || v.Word == ProvenWithData {
		out.Device = v.proof()
	}
	return out
}

func (v DeviceVerdict) proof() *DeviceProof {
	c := v.Checkpoint
	p := &DeviceProof{Device: v.Device, From: v.From, To: v.To, FirstSeq: v.First, LastSeq: v.Last, EndProven: v.EndProven,
		Windows: []WindowOut{}, Gaps: []StretchOut{}, Origin: c.Origin, Size: c.Size, RootHash: hex.EncodeToString(c.Root[:]),
		Channel: v.Chain.Channel, Chaincode: v.Chain.Chaincode, Block: v.Chain.Block, TxID: v.Chain.TxID, Organisation: v.Orgs}
	for _, w := range v.Windows {
		p.Readings += w.Count
		p.Windows = append(p.Windows, w.out())
	}
	for _, g := range v.Gaps {
		p.Gaps = append(p.Gaps, StretchOut(g))
	}
	for _, r := range v.Readings {
		p.Proven = append(p.Proven, ReadingOut{Metric: r.Metric, At: r.At, Seq: r.Seq, Value: r.Value, Segment: r.Segment,
			Record: r.Record.String(), Current: r.Current})
	}
	return p
}

func (w DeviceWindow) out() WindowOut {
	out := WindowOut{Seq: w.Seq, Index: w.Index, Record: w.Record.String(), From: w.From, To: w.To, Count: w.Count,
		RootHash: hex.EncodeToString(w.Root[:]), Withheld: w.Withheld}
	if w.Withheld {
		out.RootHash = ""
	}
	if w.Supersedes != uuid.Nil {
		out.Supersedes = w.Supersedes.String()
	}
	return out
}
