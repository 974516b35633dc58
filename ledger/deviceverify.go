package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

// VerifyDevice checks a device's file against the policy, for a device and a stretch of time. It proves that between
// the first and the last entry in the file none of the device's is missing, as of the checkpoint; which segment of each
// window is in force; and that each reading in the file lies in its segment. A part of the stretch without a segment is
// named in the verdict and is no fault: a window without readings has none. The error is nil only if all of it is
// proven; otherwise it is a *Fault that names the first part at fault.
func VerifyDevice(file []byte, policy Policy, device string, from, to time.Time) (DeviceVerdict, error) {
	v := &deviceVerification{
		verification: verification{policy: policy.withDefaults(), verdict: Verdict{Word: CannotEvaluate, At: policy.At,
			NotChecked: []Check{NotAfterCheckpoint, NotOtherTag, NotSigningTime, NotRevocation, NotChaincodeCode, NotTruth}}},
		out: DeviceVerdict{Device: device, From: from.UTC(), To: to.UTC()},
	}
	err := v.run(file)
	if err == nil {
		v.verdict.Word = Proven
		if len(v.out.Readings) > 0 {
			v.verdict.Word = ProvenWithData
		}
	}
	v.out.Verdict = v.verdict
	return v.out, err
}

// deviceVerification is one run of VerifyDevice.
type deviceVerification struct {
	verification
	file     DeviceFile
	entries  []Entry
	segments []DeviceWindow // of the entries that are segments, in order of their numbers
	out      DeviceVerdict
}

// run goes from the organisations' signatures inward, as Verify does. The chain of numbers comes before the tree: an
// entry that was left out is then named, where the tree would only tell that something is.
func (v *deviceVerification) run(file []byte) error {
	if err := v.checkPolicy(); err != nil {
		return v.fail(CannotEvaluate, PartPolicy, "", err)
	}
	if !v.out.From.Before(v.out.To) {
		return v.fail(CannotEvaluate, PartPolicy, "", errors.New("the stretch of time ends before it begins"))
	}
	var err error
	if v.file, err = ParseDeviceFile(file); err != nil {
		return err
	}
	v.checked(CheckForm)
	v.receipt = Receipt{Attestation: v.file.Attestation, Checkpoint: v.file.Checkpoint}
	steps := append(v.attestationSteps(), v.checkCheckpoint, v.checkLogSignature, v.checkDeviceLog, v.checkChain,
		v.checkTree, v.checkSegments, v.checkSuperseding, v.checkReadings)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	v.cover()
	return nil
}

func (v *deviceVerification) checkDeviceLog() error {
	if !strings.HasSuffix(v.note.Origin, "/"+string(Device)) {
		return v.fail(PolicyFailed, PartCheckpoint, "", fmt.Errorf("%q is not a log of devices", v.note.Origin))
	}
	v.checked(CheckDeviceLog)
	return nil
}

// checkChain checks that the entries follow one another: one subject, numbers without a gap, each pointing back at the
// place of the one before.
func (v *deviceVerification) checkChain() error {
	for i, s := range v.file.Segments {
		e, err := ParseEntry(s.Entry)
		if err != nil {
			return v.fail(Untrusted, PartEntry, "", fmt.Errorf("of the device's %s: %w", ordinal(i), err))
		}
		if i > 0 {
			err = follows(v.entries[i-1], v.file.Segments[i-1].Index, e)
		}
		if err == nil && (s.Index < 0 || s.Index >= v.note.Size || i > 0 && s.Index <= v.file.Segments[i-1].Index) {
			err = fmt.Errorf("entry %d cannot be at place %d of the log", e.Seq, s.Index)
		}
		if err != nil {
			return v.fail(Untrusted, PartSegment, "", err)
		}
		v.entries = append(v.entries, e)
	}
	v.out.First, v.out.Last = v.entries[0].Seq, v.entries[len(v.entries)-1].Seq
	if v.out.First > 1 {
		v.notChecked(NotEarlierSegments)
	}
	v.checked(CheckSegmentChain)
	return v.checkRest()
}

func ordinal(i int) string { return fmt.Sprintf("entry no. %d in the file", i+1) }

func (v *deviceVerification) notChecked(c Check) {
	v.verdict.NotChecked = append([]Check{c}, v.verdict.NotChecked...)
}

func follows(before Entry, place int64, e Entry) error {
	switch {
	case e.Tag != before.Tag:
		return fmt.Errorf("entry %d after %d is another subject's", e.Seq, before.Seq)
	case e.Seq > before.Seq+1:
		return fmt.Errorf("entry %d is missing: %d follows %d", before.Seq+1, e.Seq, before.Seq)
	case e.Seq != before.Seq+1:
		return fmt.Errorf("entry %d cannot follow %d", e.Seq, before.Seq)
	case e.Prev != place:
		return fmt.Errorf("entry %d points back to place %d, its forerunner is at %d", e.Seq, e.Prev, place)
	}
	return nil
}

// checkRest checks that none of the entries after the last segment is of the device, and whether they reach to the
// checkpoint's end.
func (v *deviceVerification) checkRest() error {
	last := v.file.Segments[len(v.file.Segments)-1].Index
	v.out.EndProven = last+1+int64(len(v.file.Rest)) == v.note.Size
	if !v.out.EndProven && len(v.file.Rest) > 0 {
		return v.fail(Untrusted, PartSegment, "", errors.New("the entries after the last do not reach to the checkpoint's end"))
	}
	for i, b := range v.file.Rest {
		e, err := ParseEntry(b)
		if err != nil {
			return v.fail(Untrusted, PartEntry, "", fmt.Errorf("at place %d: %w", last+1+int64(i), err))
		}
		if e.Tag == v.entries[0].Tag {
			return v.fail(Untrusted, PartSegment, "", fmt.Errorf("entry %d of the device is at place %d and not told", e.Seq, last+1+int64(i)))
		}
	}
	if v.out.EndProven {
		v.checked(CheckNewestEnd)
	} else {
		v.notChecked(NotNewestEnd)
	}
	return nil
}

// checkTree checks that all the entries are at their places under the attested root.
func (v *deviceVerification) checkTree() error {
	var at []int64
	var leaves []tlog.Hash
	for _, s := range v.file.Segments {
		at, leaves = append(at, s.Index), append(leaves, Leaf(s.Entry))
	}
	for i, b := range v.file.Rest {
		at, leaves = append(at, v.file.Segments[len(v.file.Segments)-1].Index+1+int64(i)), append(leaves, Leaf(b))
	}
	root, err := RootOf(v.note.Size, at, leaves, v.file.Proof)
	if err == nil && root != v.note.Root {
		if err = v.suspect(); err == nil {
			err = errors.New("the entries are not at their places under the attested root")
		}
	}
	if err != nil {
		return v.fail(Untrusted, PartProof, "", err)
	}
	v.checked(CheckSegmentsInLog)
	return nil
}

// suspect names an entry that does not fit its payload, when the tree tells only that some entry is wrong.
func (v *deviceVerification) suspect() error {
	for i := range v.file.Segments {
		if _, err := v.segment(i); err != nil {
			return err
		}
	}
	return nil
}

// segment reads what an entry commits to, nil when it is no segment.
func (v *deviceVerification) segment(i int) (*DeviceWindow, error) {
	e, s := v.entries[i], v.file.Segments[i]
	if e.Kind != SegmentKind {
		return nil, nil
	}
	if len(s.Salt) == 0 && len(s.Payload) == 0 {
		return &DeviceWindow{Segment: Segment{From: e.From, To: e.To, Count: e.Count}, Seq: e.Seq, Index: s.Index, Record: e.ID,
			Supersedes: e.Supersedes, Withheld: true}, nil
	}
	if err := e.Commitment.Opens(s.Salt, s.Payload); err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	seg, err := ParseSegment(s.Payload)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	if !seg.From.Equal(e.From) || !seg.To.Equal(e.To) || seg.Count != e.Count {
		return nil, fmt.Errorf("entry %d: its window or count is not the payload's", e.Seq)
	}
	return &DeviceWindow{Segment: seg, Seq: e.Seq, Index: s.Index, Record: e.ID, Supersedes: e.Supersedes}, nil
}

// checkSegments checks the payloads. One that tells the device tells it of all entries, for they are of one subject.
func (v *deviceVerification) checkSegments() error {
	withheld := 0
	for i := range v.file.Segments {
		w, err := v.segment(i)
		if err != nil {
			return v.fail(Untrusted, PartPayload, "", err)
		}
		if w == nil {
			continue
		}
		if w.Withheld {
			withheld++
		} else if w.Device != v.out.Device {
			return v.fail(PolicyFailed, PartDevice, "", fmt.Errorf("entry %d is of the device %q, want %q", w.Seq, w.Device, v.out.Device))
		}
		v.segments = append(v.segments, *w)
	}
	if withheld > 0 {
		v.notChecked(NotWithheld)
	}
	if len(v.segments) == withheld {
		return v.fail(CannotEvaluate, PartDevice, "", errors.New("no entry in the file tells which device it is of"))
	}
	v.checked(CheckSegments)
	return nil
}

// checkSuperseding checks that of the segments of one window each takes the place of the one before, so that one is in
// force. Windows of other lengths may overlap: a device's interval changes.
func (v *deviceVerification) checkSuperseding() error {
	newest := map[Stretch]DeviceWindow{}
	for _, w := range v.segments {
		window := Stretch{w.From, w.To}
		before, again := newest[window]
		switch {
		case again && w.Supersedes != before.Record:
			return v.fail(Untrusted, PartSegment, "",
				fmt.Errorf("entries %d and %d are of one window, and the later does not supersede the other", before.Seq, w.Seq))
		case !again && w.Supersedes != uuid.Nil && v.out.First == 1:
			return v.fail(Untrusted, PartSegment, "", fmt.Errorf("entry %d supersedes one that is not there", w.Seq))
		}
		newest[window] = w
	}
	for _, w := range newest {
		if w.From.Before(v.out.To) && w.To.After(v.out.From) {
			v.out.Windows = append(v.out.Windows, w)
		}
	}
	slices.SortFunc(v.out.Windows, func(a, b DeviceWindow) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Seq, b.Seq)) })
	v.checked(CheckSuperseding)
	return nil
}

// cover finds what the windows leave uncovered.
func (v *deviceVerification) cover() {
	at := v.out.From
	for _, w := range v.out.Windows {
		if w.From.After(at) {
			v.out.Gaps = append(v.out.Gaps, Stretch{at, w.From})
		}
		if w.To.After(at) {
			at = w.To
		}
	}
	if at.Before(v.out.To) {
		v.out.Gaps = append(v.out.Gaps, Stretch{at, v.out.To})
	}
	if len(v.out.Gaps) > 0 {
		v.notChecked(NotSilence)
	}
}

func (v *deviceVerification) checkReadings() error {
	for i, p := range v.file.Readings {
		r, err := v.reading(p)
		if err == nil && i > 0 && !ascending(v.file.Readings[i-1], p) {
			err = errors.New("it stands twice or out of order")
		}
		if err != nil {
			return v.fail(Untrusted, PartReading, "", fmt.Errorf("no. %d in the file: %w", i+1, err))
		}
		v.out.Readings = append(v.out.Readings, r)
	}
	if len(v.file.Readings) > 0 {
		v.checked(CheckReadings)
	}
	return nil
}

func ascending(a, b ReadingProof) bool {
	return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Place, b.Place)) < 0
}

func (v *deviceVerification) reading(p ReadingProof) (ProvenReading, error) {
	i := slices.IndexFunc(v.segments, func(w DeviceWindow) bool { return w.Seq == p.Segment })
	if i < 0 {
		return ProvenReading{}, fmt.Errorf("the file has no segment %d", p.Segment)
	}
	w := v.segments[i]
	if w.Withheld {
		return ProvenReading{}, fmt.Errorf("segment %d has no payload in the file, so no reading can be shown to be its", w.Seq)
	}
	r, err := ParseReading(p.Leaf)
	if err != nil {
		return ProvenReading{}, err
	}
	if r.Device != w.Device || r.At.Before(w.From) || !r.At.Before(w.To) {
		return ProvenReading{}, fmt.Errorf("it is not of the device and window of segment %d", w.Seq)
	}
	root, err := RootOf(int64(w.Count), []int64{p.Place}, []tlog.Hash{tlog.RecordHash(p.Leaf)}, p.Path)
	if err != nil || root != w.Root {
		return ProvenReading{}, fmt.Errorf("it is not at place %d of segment %d", p.Place, w.Seq)
	}
	superseded := slices.ContainsFunc(v.segments[i+1:], func(o DeviceWindow) bool { return o.From.Equal(w.From) && o.To.Equal(w.To) })
	return ProvenReading{Reading: r, Segment: w.Seq, Record: w.Record, Current: !superseded}, nil
}
