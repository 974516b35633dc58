package sequencer

import (
	"context"
	"fmt"

	"plinth/ledger"
)

// seal brings what waits in the outbox into the log, batch after batch, until nothing waits.
func (s *Sequencer) seal(ctx context.Context, n *line) error {
	for {
		// A batch that was sealed but not projected, because the database went away in between, comes first: the
		// records would otherwise still seem to wait, and be sealed twice.
		if err := s.project(ctx, n); err != nil {
			return err
		}
		records, err := s.store.Pending(ctx, n.origin, s.cfg.Batch)
		if err != nil {
			return fmt.Errorf("read the outbox: %w", err)
		}
		entries, err := s.entries(ctx, n, records)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return nil
		}
		began := s.now()
		c, err := n.log.Append(entries)
		if err != nil {
			return err
		}
		s.log.DebugContext(ctx, "batch sealed", "origin", n.log.Origin(), "entries", len(entries), "size", c.Size,
			"took", s.now().Sub(began))
		if err := s.project(ctx, n); err != nil {
			return err
		}
		if len(records) < s.cfg.Batch {
			return nil
		}
	}
}

// entries makes the entries of the records, numbering each subject's on from its newest.
func (s *Sequencer) entries(ctx context.Context, n *line, records []ledger.Record) ([][]byte, error) {
	tags := make([]ledger.Tag, len(records))
	for i, r := range records {
		tags[i] = ledger.SubjectTag(s.keys.Tenant, r.Subject)
	}
	tails, err := s.store.Tails(ctx, n.origin, tags)
	if err != nil {
		return nil, fmt.Errorf("read the subjects' newest entries: %w", err)
	}
	var out [][]byte
	for i, r := range records {
		next := Tail{Seq: tails[tags[i]].Seq + 1, Index: n.log.size() + int64(len(out))}
		b, err := s.entry(r, tags[i], tails[tags[i]])
		if err != nil {
			// Records are checked before they are committed. One that came past the check waits; the others go on.
			s.log.ErrorContext(ctx, "record does not fit the log", "record", r.ID, "kind", r.Kind, "error", err)
			continue
		}
		out, tails[tags[i]] = append(out, b), next
	}
	return out, nil
}

func (s *Sequencer) entry(r ledger.Record, tag ledger.Tag, last Tail) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	salt, err := s.keys.Salt(r)
	if err != nil {
		return nil, err
	}
	commitment, err := commit(salt, r)
	if err != nil {
		return nil, err
	}
	e := ledger.Entry{
		ID: r.ID, Kind: r.Kind, Org: r.Org, Tag: tag, Seq: last.Seq + 1, Prev: -1, From: r.From, To: r.To,
		Count: r.Count, Commitment: commitment, Relation: r.Relation, Inputs: r.Inputs,
		Supersedes: r.Supersedes,
	}
	if r.Case != "" {
		e.Case = ledger.SubjectTag(s.keys.Tenant, r.Case)
	}
	if last.Seq > 0 {
		e.Prev = last.Index
	}
	return e.Encode()
}

// commit commits to a payload: to its fields when it is a document of the log authz, so that some can be shown and the
// others withheld, else to its bytes. A device's payloads stay whole.
func commit(salt []byte, r ledger.Record) (ledger.Commitment, error) {
	if r.Origin == ledger.Authz {
		if d, err := ledger.ParseDocument(r.Payload); err == nil {
			return ledger.DocumentCommit(salt, d)
		}
	}
	return ledger.Commit(salt, r.Payload), nil
}

// projectChunk bounds the rows of one transaction while a projection is rebuilt.
const projectChunk = 4096

// project brings the projection up to the log. Usually that is the newest batch; after a crash between log and
// database, or with an empty database, it is what is missing.
func (s *Sequencer) project(ctx context.Context, n *line) error {
	done, err := s.store.Projected(ctx, n.origin)
	if err != nil {
		return fmt.Errorf("read the projection: %w", err)
	}
	own, _ := n.log.Checkpoint()
	if done == own || done.Size == 0 && own.Size == 0 {
		return nil
	}
	if err := n.guard(done, "the database"); err != nil {
		return err
	}
	for at := done.Size; at < own.Size; {
		rows, err := n.rows(at)
		if err != nil {
			return err
		}
		at += int64(len(rows))
		root, err := n.log.RootAt(at)
		if err != nil {
			return err
		}
		to := ledger.Checkpoint{Origin: own.Origin, Size: at, Root: root}
		if err := s.reached("projecting"); err != nil {
			return err
		}
		if err := s.store.Project(ctx, n.origin, to, s.now(), rows); err != nil {
			return fmt.Errorf("project %s: %w", own.Origin, err)
		}
		if err := s.reached("projected"); err != nil {
			return err
		}
	}
	return nil
}

// rows reads a chunk of entries from the log as the projection shows them.
func (n *line) rows(first int64) ([]Row, error) {
	entries, err := n.log.Range(first, projectChunk)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(entries))
	for i, b := range entries {
		e, err := ledger.ParseEntry(b)
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d of %s: %w", ErrDamaged, first+int64(i), n.log.Origin(), err)
		}
		rows[i] = Row{Index: first + int64(i), Leaf: ledger.Leaf(b), Entry: e}
	}
	return rows, nil
}
