package sequencer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
)

// Erasure asks that a subject's payloads be shredded.
type Erasure struct {
	Subject string // as records name it, e.g. "account:ac_1"
	Reason  string
	By      string // the account that asks
	Org     string // its organisation
}

// ErrErasureWaits means that records of the subject are on their way into the log: their entries need the key.
var ErrErasureWaits = errors.New("records of the subject are on their way into the log, try again in a moment")

// Eraser destroys subjects' keys.
type Eraser interface {
	// Erase destroys the subject's key and writes the record "subject.erased" in one transaction, and lets the chain
	// note it for the newest records. It returns that record's id; ErrErasureWaits while records wait to be sealed,
	// plinth.ErrNotFound when there is nothing to erase. When it returns, the key is in no table.
	Erase(ctx context.Context, e Erasure, at time.Time) (uuid.UUID, error)
}

// erasurePatience bounds the wait for a subject's records to be sealed.
const erasurePatience = 15 * time.Second

// Erase shreds the payloads and salts of all records of a subject, for good: nobody can read or test them afterwards.
// Entries, receipts without payload, and every other proof stay valid. What the subject does later has a new key. It
// returns the id of the record that tells of the erasure.
func (s *Sequencer) Erase(ctx context.Context, e Erasure) (uuid.UUID, error) {
	if e.Subject == "" || len(e.Subject) > ledger.MaxSubject {
		return uuid.Nil, plinth.Invalid("subject", "must be 1 to %d bytes", ledger.MaxSubject)
	}
	if e.Reason = strings.TrimSpace(e.Reason); e.Reason == "" || len(e.Reason) > 2000 {
		return uuid.Nil, plinth.Invalid("reason", "an erasure needs a reason of at most 2000 bytes")
	}
	if e.Org == "" {
		e.Org = "plinth"
	}
	ctx, cancel := context.WithTimeout(ctx, erasurePatience)
	defer cancel()
	for {
		id, err := s.store.Erase(ctx, e, s.now().UTC())
		if !errors.Is(err, ErrErasureWaits) {
			return id, err
		}
		select {
		case <-ctx.Done():
			return uuid.Nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
