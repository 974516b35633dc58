package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// Segments lists the evidence of devices. sequencer.Devices implements it.
type Segments interface {
	Segments(ctx context.Context, device string, from, to time.Time) (sequencer.DeviceSegments, error)
}

func (s *evidenceService) GetDeviceEvidence(ctx context.Context, r *pb.GetDeviceEvidenceRequest) (*pb.DeviceEvidence, error) {
	if !validDevice(r.GetDeviceId()) {
		return nil, plinth.Invalid("deviceId", "is not a device's id")
	}
	if r.GetFrom() == nil || r.GetTo() == nil {
		return nil, plinth.Invalid("from", "name the period: from and to")
	}
	from, to, err := period(r.GetFrom(), r.GetTo())
	if err != nil {
		return nil, err
	}
	found, err := s.e.Segments.Segments(ctx, r.GetDeviceId(), from, to)
	if err != nil {
		return nil, err
	}
	out := &pb.DeviceEvidence{}
	for _, g := range found.Segments {
		out.Segments = append(out.Segments, segmentEvidence(g))
	}
	for _, g := range found.Gaps {
		out.Gaps = append(out.Gaps, &pb.Stretch{From: stamp(g.From), To: stamp(g.To)})
	}
	return out, nil
}

func validDevice(id string) bool { return id != "" && len(id) <= ledger.MaxSubject }

func segmentEvidence(g sequencer.SegmentState) *pb.SealedSegment {
	out := &pb.SealedSegment{RecordId: g.Record.String(), From: stamp(g.From), To: stamp(g.To), Count: int64(g.Count),
		State: string(g.State), Seq: int64(g.Seq), Index: g.Index, Current: g.Current, ShortCode: ledger.ShortCode(g.Record)}
	if g.Supersedes != uuid.Nil {
		out.Supersedes = g.Supersedes.String()
	}
	return out
}
