package sequencer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"plinth"
	"plinth/ledger"
)

// Timestamper is a time-stamp authority (RFC 3161). Stamp returns a token over the text in DER; it may take as long as
// ctx allows, and an error means only that there is none yet.
type Timestamper interface {
	Stamp(ctx context.Context, text []byte) (token []byte, err error)
}

// stamp has one attested checkpoint of a log stamped, the newest that is not. Receipts never wait for it: one that is
// made before has no token, and needs none.
func (s *Sequencer) stamp(ctx context.Context, n *line) error {
	a, err := s.store.Unstamped(ctx, n.origin)
	if errors.Is(err, plinth.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find a checkpoint to stamp: %w", err)
	}
	if err := s.stampTwin(ctx, n, a.Size); err != nil {
		return err
	}
	return s.stampAnchor(ctx, n.origin, a)
}

// stampAnchor has one attested checkpoint stamped and keeps the token.
func (s *Sequencer) stampAnchor(ctx context.Context, kept ledger.Origin, a Anchor) error {
	text, err := ledger.StampedText(a.Checkpoint, a.Attestation)
	if err != nil {
		return err
	}
	token, err := s.cfg.Timestamper.Stamp(ctx, text)
	if err != nil {
		return fmt.Errorf("stamp %s at %d: %w", a.Origin, a.Size, err)
	}
	if _, err := ledger.VerifyTimestamp(token, text, s.cfg.Trust.TimestampRoots); err != nil {
		return fmt.Errorf("stamp %s at %d: %w", a.Origin, a.Size, err)
	}
	if err := s.store.SaveTimestamp(ctx, kept, a.Size, token, s.now()); err != nil {
		return fmt.Errorf("keep the time-stamp of %s at %d: %w", a.Origin, a.Size, err)
	}
	s.seen.stamped(kept, a.Size, token)
	return nil
}

// HTTPTimestamper asks an authority by HTTP (RFC 3161 §3.4).
type HTTPTimestamper struct {
	URL    string
	Client *http.Client // nil: one with a limit of 15 s
}

// maxTimestampAnswer bounds what is read of an authority.
const maxTimestampAnswer = 64 << 10

// Stamp implements Timestamper.
func (t HTTPTimestamper) Stamp(ctx context.Context, text []byte) ([]byte, error) {
	request, err := ledger.TimestampRequest(text)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	client := t.Client
	if client == nil {
		client = &http.Client{Timeout: 15 * time.Second}
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: time-stamp authority: %w", plinth.ErrUnavailable, err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxTimestampAnswer))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: time-stamp authority: status %d", plinth.ErrUnavailable, answer.StatusCode)
	}
	return ledger.TimestampToken(b)
}
