package api

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/ledger"
	"plinth/ledger/inspection"
	"plinth/ledger/sequencer"
)

// EvidenceStore finds records for lists. Its errors are of plinth's kinds.
type EvidenceStore interface {
	// List returns the newest records before the place in the outbox, 0 for the newest of all.
	List(ctx context.Context, f sequencer.Filter, before int64, limit int) ([]sequencer.Listed, error)
	// Count may stop counting at some large number.
	Count(ctx context.Context, f sequencer.Filter) (int64, error)
	Get(ctx context.Context, id uuid.UUID) (sequencer.Listed, error)
	// ByCode finds a record by its short code once it is sealed.
	ByCode(ctx context.Context, code string) (uuid.UUID, error)
	Logs(ctx context.Context) ([]sequencer.LogState, error)
	// RecentAnchors returns the newest attested checkpoints of a log, newest first.
	RecentAnchors(ctx context.Context, o ledger.Origin, limit int) ([]sequencer.Anchor, error)
}

// Evidence is what the evidence doors need.
type Evidence struct {
	Store     EvidenceStore
	Sequencer *sequencer.Sequencer
	Chain     sequencer.Chain
	Channel   string
	Roots     []ledger.TrustedRoot
	// TimestampRoots are the time-stamp authority's roots in PEM; none without an authority.
	TimestampRoots []string
	Desk           *inspection.Desk // audits and drills
	Segments       Segments
	Export         *Export // what erasures take away; nil for none
	Now            func() time.Time
}

// NewEvidence is the service that shows the logs and the chain.
func NewEvidence(e Evidence) Service {
	s := &evidenceService{e: e}
	return Service{
		Register: func(r grpc.ServiceRegistrar) { pb.RegisterEvidenceServiceServer(r, s) },
		Gateway:  pb.RegisterEvidenceServiceHandler,
	}
}

type evidenceService struct {
	pb.UnimplementedEvidenceServiceServer
	e Evidence
}

func (s *evidenceService) ListRecords(ctx context.Context, r *pb.ListRecordsRequest) (*pb.ListRecordsResponse, error) {
	f, err := s.recordFilter(ctx, r)
	if errors.Is(err, plinth.ErrNotFound) {
		return &pb.ListRecordsResponse{}, nil // a code that no record has
	}
	if err != nil {
		return nil, err
	}
	limit, after, err := pageOf(r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	var before int64
	if after != "" {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, plinth.Invalid("pageToken", "is not one that this server gave")
		}
	}
	all, err := s.e.Store.List(ctx, f, before, limit+1)
	if err != nil {
		return nil, err
	}
	total, err := s.e.Store.Count(ctx, f)
	if err != nil {
		return nil, err
	}
	all, next := cut(all, limit, func(l sequencer.Listed) string { return strconv.FormatInt(l.N, 10) })
	out := &pb.ListRecordsResponse{NextPageToken: next, TotalSize: total}
	for _, l := range all {
		out.Records = append(out.Records, recordOut(l))
	}
	return out, nil
}

func (s *evidenceService) recordFilter(ctx context.Context, r *pb.ListRecordsRequest) (sequencer.Filter, error) {
	f := sequencer.Filter{Origin: ledger.Origin(r.GetOrigin()), Kind: r.GetKind(), Subject: r.GetSubject(),
		State: sequencer.State(r.GetState()), Org: r.GetOrg(), Case: r.GetCaseId()}
	var err error
	if f.From, f.To, err = period(r.GetFrom(), r.GetTo()); err != nil {
		return f, err
	}
	if err := checkRecordFilter(f); err != nil {
		return f, err
	}
	if r.GetCode() != "" {
		f.ID, err = s.e.Store.ByCode(ctx, r.GetCode())
	}
	return f, err
}

func checkRecordFilter(f sequencer.Filter) error {
	switch f.Origin {
	case "", ledger.Authz, ledger.Device:
	default:
		return plinth.Invalid("origin", "must be %s or %s", ledger.Authz, ledger.Device)
	}
	switch f.State {
	case "", sequencer.StatePending, sequencer.StateSealed, sequencer.StateAnchored:
	default:
		return plinth.Invalid("state", "must be pending, sealed or anchored")
	}
	for _, text := range []struct {
		field, value string
		most         int
	}{{"kind", f.Kind, ledger.MaxKind}, {"subject", f.Subject, ledger.MaxSubject}, {"org", f.Org, ledger.MaxOrg}, {"caseId", f.Case, ledger.MaxCase}} {
		if len(text.value) > text.most {
			return plinth.Invalid(text.field, "has at most %d bytes", text.most)
		}
	}
	return nil
}

// period reads two times that may be missing.
func period(from, to *timestamppb.Timestamp) (a, b time.Time, err error) {
	for _, end := range []struct {
		field string
		given *timestamppb.Timestamp
		at    *time.Time
	}{{"from", from, &a}, {"to", to, &b}} {
		if end.given == nil {
			continue
		}
		if err := end.given.CheckValid(); err != nil {
			return a, b, plinth.Invalid(end.field, "is not a time")
		}
		*end.at = end.given.AsTime()
	}
	if !a.IsZero() && !b.IsZero() && !a.Before(b) {
		return a, b, plinth.Invalid("to", "must be after from")
	}
	return a, b, nil
}

func (s *evidenceService) GetRecord(ctx context.Context, r *pb.GetRecordRequest) (*pb.EvidenceRecord, error) {
	id, err := recordID(r.GetRecordId())
	if err != nil {
		return nil, err
	}
	l, err := s.e.Store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return recordOut(l), nil
}

// recordID reads a record's id in its usual form alone: uuid.Parse takes more.
func recordID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		return uuid.Nil, plinth.Invalid("recordId", "is not a record's id")
	}
	return id, nil
}

func recordOut(l sequencer.Listed) *pb.EvidenceRecord {
	out := &pb.EvidenceRecord{
		RecordId: l.ID.String(), Origin: string(l.Origin), Kind: l.Kind, Org: l.Org, Subject: l.Subject, At: stamp(l.At),
		State: string(l.State), Index: l.Index, SubjectSeq: int64(l.Seq), CheckpointSize: l.Size, TxId: l.TxID,
		Block: int64(l.Block), ShortCode: ledger.ShortCode(l.ID), CaseId: l.Case,
	}
	if l.ErasedBy.Valid {
		out.ErasedBy = l.ErasedBy.UUID.String()
	}
	if l.State != sequencer.StatePending {
		out.LeafHash = hex.EncodeToString(l.Leaf[:])
	}
	return out
}

// GetRoots answers what ledger.ParseTrust reads: all that anybody needs to verify any form of receipt.
func (s *evidenceService) GetRoots(ctx context.Context, _ *pb.GetRootsRequest) (*pb.Roots, error) {
	certificates, err := s.e.Sequencer.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.Roots{LogKeys: s.e.Sequencer.LogKeys(), TimestampRoots: s.e.TimestampRoots}
	for _, der := range certificates {
		out.Certificates = append(out.Certificates, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	for _, r := range s.e.Roots {
		out.Roots = append(out.Roots, &pb.Root{MspId: r.MSP, Name: r.Name, CertificatePem: r.PEM})
	}
	return out, nil
}
