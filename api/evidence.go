package api

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/ledger"
	"plinth/ledger/sequencer"
)

// EvidenceStore finds records for lists. Its errors are of plinth's kinds.
type EvidenceStore interface {
	// List returns the newest records before the place in the outbox, 0 for the newest of all.
	List(ctx context.Context, f sequencer.Filter, before int64, limit int) ([]sequencer.Listed, error)
	// Count may stop counting at some large number.
	Count(ctx context.Context, f sequencer.Filter) (int64, error)
	Get(ctx context.Context, id uuid.UUID) (sequencer.Listed, error)
	Logs(ctx context.Context) ([]sequencer.LogState, error)
}

// Evidence is what the evidence doors need.
type Evidence struct {
	Store     EvidenceStore
	Sequencer *sequencer.Sequencer
	Chain     sequencer.Chain
	Channel   string
	Roots     []ledger.TrustedRoot
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
	f, err := recordFilter(r)
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

func recordFilter(r *pb.ListRecordsRequest) (sequencer.Filter, error) {
	f := sequencer.Filter{Origin: ledger.Origin(r.GetOrigin()), Kind: r.GetKind(), Subject: r.GetSubject(),
		State: sequencer.State(r.GetState())}
	switch f.Origin {
	case "", ledger.Authz, ledger.Device:
	default:
		return f, plinth.Invalid("origin", "must be %s or %s", ledger.Authz, ledger.Device)
	}
	switch f.State {
	case "", sequencer.StatePending, sequencer.StateSealed, sequencer.StateAnchored:
	default:
		return f, plinth.Invalid("state", "must be pending, sealed or anchored")
	}
	if len(f.Kind) > ledger.MaxKind {
		return f, plinth.Invalid("kind", "has at most %d bytes", ledger.MaxKind)
	}
	if len(f.Subject) > ledger.MaxSubject {
		return f, plinth.Invalid("subject", "has at most %d bytes", ledger.MaxSubject)
	}
	return f, nil
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
		Block: int64(l.Block),
	}
	if l.State != sequencer.StatePending {
		out.LeafHash = hex.EncodeToString(l.Leaf[:])
	}
	return out
}

// chainPatience bounds how long a page waits for the chain's height.
const chainPatience = 2 * time.Second

func (s *evidenceService) GetChain(ctx context.Context, _ *pb.GetChainRequest) (*pb.Chain, error) {
	logs, err := s.e.Store.Logs(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.Chain{Channel: s.e.Channel}
	for _, r := range s.e.Roots {
		out.Organisations = append(out.Organisations, r.MSP)
	}
	for _, l := range logs {
		out.Logs = append(out.Logs, logOut(l))
	}
	brief, done := context.WithTimeout(ctx, chainPatience)
	defer done()
	height, err := s.e.Chain.Height(brief)
	out.Height = int64(height)
	for _, st := range s.e.Sequencer.Status() {
		err = errors.Join(err, st.AnchorErr)
	}
	out.Error = chainTrouble(err)
	return out, nil
}

// chainTrouble is the sentence for people; the cause is in the sequencer's log.
func chainTrouble(err error) string {
	var said *plinth.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &said):
		return said.Text
	}
	return "the chain does not answer"
}

func logOut(l sequencer.LogState) *pb.Log {
	out := &pb.Log{Origin: string(l.Origin), Size: l.Sealed.Size, Pending: l.Pending, AnchoredSize: l.Anchored,
		AnchoredTx: l.TxID, AnchoredAt: stamp(l.At)}
	if l.Sealed.Size > 0 {
		out.RootHash = hex.EncodeToString(l.Sealed.Root[:])
	}
	return out
}

func (s *evidenceService) GetRoots(context.Context, *pb.GetRootsRequest) (*pb.Roots, error) {
	out := &pb.Roots{LogKeys: s.e.Sequencer.LogKeys()}
	for _, r := range s.e.Roots {
		out.Roots = append(out.Roots, &pb.Root{MspId: r.MSP, Name: r.Name, CertificatePem: r.PEM})
	}
	return out, nil
}
