package api

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"plinth"
	pb "plinth/api/plinth/v1"
	"plinth/ledger/sequencer"
)

// chainPatience bounds how long a page waits for the chain.
const chainPatience = 2 * time.Second

// anchorsShown is how many of a log's anchors the chain's page shows.
const anchorsShown = 10

func (s *evidenceService) GetChain(ctx context.Context, _ *pb.GetChainRequest) (*pb.Chain, error) {
	now := s.e.Now()
	logs, err := s.e.Store.Logs(ctx)
	if err != nil {
		return nil, err
	}
	out := &pb.Chain{Channel: s.e.Channel, At: stamp(now)}
	for _, r := range s.e.Roots {
		out.Organisations = append(out.Organisations, r.MSP)
	}
	for _, l := range logs {
		o, err := s.logOut(ctx, l, now)
		if err != nil {
			return nil, err
		}
		out.Logs = append(out.Logs, o)
	}
	brief, done := context.WithTimeout(ctx, chainPatience)
	defer done()
	out.Error = chainTrouble(s.askChain(brief, out))
	return out, nil
}

// askChain fills in what the chain says, and returns why it, or the way to it, is in trouble.
func (s *evidenceService) askChain(ctx context.Context, out *pb.Chain) error {
	height, err := s.e.Chain.Height(ctx)
	out.Height = int64(height)
	for i, st := range s.e.Sequencer.Status() {
		l := out.Logs[i]
		l.SealError, l.AnchorError = sealTrouble(st.SealErr), chainTrouble(st.AnchorErr)
		err = errors.Join(err, st.AnchorErr, s.askHead(ctx, st, l))
	}
	return err
}

func (s *evidenceService) askHead(ctx context.Context, st sequencer.Status, out *pb.Log) error {
	l, err := s.e.Sequencer.Log(st.Origin)
	if err != nil {
		return err
	}
	if l.HasTwin() {
		out.TwinOrigin = l.TwinOrigin()
	}
	size, root, err := s.e.Chain.Head(ctx, l.Origin())
	if err != nil || size == 0 {
		return err
	}
	out.HeadSize, out.HeadRootHash = size, hex.EncodeToString(root[:])
	keys, err := s.e.Chain.LogKeys(ctx, l.Origin())
	for _, k := range keys {
		out.Keys = append(out.Keys, &pb.ChainKey{VerifierKey: k.VKey, FromSize: k.FromSize, UntilSize: k.UntilSize, TxId: k.TxID})
	}
	return err
}

// chainTrouble is the sentence for people; the cause is in the sequencer's log.
func chainTrouble(err error) string { return trouble(err, "the chain does not answer") }

func sealTrouble(err error) string {
	return trouble(err, "records are not written to the log; the service's log says why")
}

func trouble(err error, otherwise string) string {
	var said *plinth.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &said):
		return said.Text
	}
	return otherwise
}

func (s *evidenceService) logOut(ctx context.Context, l sequencer.LogState, now time.Time) (*pb.Log, error) {
	out := &pb.Log{Origin: string(l.Origin), Size: l.Sealed.Size, Pending: l.Pending, AnchoredSize: l.Anchored,
		AnchoredTx: l.TxID, AnchoredAt: stamp(l.At), LagRecords: l.Pending + l.Sealed.Size - l.Anchored}
	if l.Sealed.Size > 0 {
		out.RootHash = hex.EncodeToString(l.Sealed.Root[:])
	}
	if !l.Oldest.IsZero() {
		out.LagSeconds = max(0, now.Sub(l.Oldest).Seconds())
	}
	recent, err := s.e.Store.RecentAnchors(ctx, l.Origin, anchorsShown)
	for _, a := range recent {
		out.Anchors = append(out.Anchors, &pb.ChainAnchor{Size: a.Size, RootHash: hex.EncodeToString(a.Root[:]),
			TxId: a.Place.TxID, Block: int64(a.Place.Block), At: stamp(a.At)})
	}
	return out, err
}
