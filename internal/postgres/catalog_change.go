package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/catalog"
)

// Create implements catalog.Changer.
func (s *Catalog) Create(ctx context.Context, id plinth.DatasetID, now time.Time, decide catalog.Decision) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		k := catalog.Case{Dataset: catalog.Dataset{ID: id, State: catalog.Draft}, Now: now}
		if err := loadRules(ctx, tx, &k); err != nil {
			return err
		}
		out, err := decide(k)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO dataset (id, state, created_at, updated_at) VALUES ($1, 'draft', $2, $2)`, id, now)
		if err != nil {
			return fmt.Errorf("create dataset: %w", err)
		}
		return s.writeOutcome(ctx, tx, k, out)
	})
}

// ChangeDataset implements catalog.Changer.
func (s *Catalog) ChangeDataset(ctx context.Context, id plinth.DatasetID, now time.Time, decide catalog.Decision) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		k, err := loadCase(ctx, tx, id, now)
		if err != nil {
			return err
		}
		r, err := registration(ctx, tx, selectRegistration+` WHERE r.dataset = $1 ORDER BY r.id DESC LIMIT 1`, id)
		if err != nil {
			return err
		}
		k.Proposal = r.proposal // of the newest, under way or not
		if !r.State.Ended() {
			k.Open = &r.Registration
		}
		return s.decideAndWrite(ctx, tx, k, decide)
	})
}

// ChangeRegistration implements catalog.Changer.
func (s *Catalog) ChangeRegistration(ctx context.Context, id plinth.RegistrationID, now time.Time, decide catalog.Decision) error {
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		var of plinth.DatasetID
		err := tx.QueryRow(ctx, `SELECT dataset FROM registration WHERE id = $1`, id).Scan(&of)
		if errors.Is(err, pgx.ErrNoRows) {
			return plinth.Errorf(plinth.ErrNotFound, "there is no such registration")
		}
		if err != nil {
			return fmt.Errorf("find registration: %w", err)
		}
		k, err := loadCase(ctx, tx, of, now)
		if err != nil {
			return err
		}
		r, err := registration(ctx, tx, selectRegistration+` WHERE r.id = $1`, id)
		if err != nil {
			return err
		}
		k.Open, k.Proposal = &r.Registration, r.proposal
		return s.decideAndWrite(ctx, tx, k, decide)
	})
}

func (s *Catalog) decideAndWrite(ctx context.Context, tx pgx.Tx, k catalog.Case, decide catalog.Decision) error {
	out, err := decide(k)
	if err != nil {
		return err
	}
	return s.writeOutcome(ctx, tx, k, out)
}

// loadCase locks the dataset, so that changes of it wait for each other, and reads what a decision looks at.
func loadCase(ctx context.Context, tx pgx.Tx, id plinth.DatasetID, now time.Time) (catalog.Case, error) {
	k := catalog.Case{Now: now}
	if _, err := tx.Exec(ctx, `SELECT FROM dataset WHERE id = $1 FOR UPDATE`, id); err != nil {
		return k, fmt.Errorf("lock dataset: %w", err)
	}
	var err error
	if k.Dataset, err = dataset(ctx, tx, id); err != nil {
		return k, err
	}
	err = tx.QueryRow(ctx, `
		SELECT coalesce((SELECT record_id FROM dataset_event WHERE dataset = $1 ORDER BY n DESC LIMIT 1), $2),
			coalesce((SELECT record_id FROM dataset_revision WHERE dataset = $1 ORDER BY number DESC LIMIT 1), $2)`,
		id, uuid.Nil).Scan(&k.LastStep, &k.Published)
	if err != nil {
		return k, fmt.Errorf("read last step: %w", err)
	}
	return k, loadRules(ctx, tx, &k)
}

func loadRules(ctx context.Context, tx pgx.Tx, k *catalog.Case) error {
	all, err := rules(ctx, tx)
	if err != nil {
		return err
	}
	k.Rules = catalog.RulesAt(all, k.Now)
	k.Calendar, err = calendar(ctx, tx)
	return err
}

// writeOutcome writes all of an outcome: the registration, the dataset, the step and its record, the index.
func (s *Catalog) writeOutcome(ctx context.Context, tx pgx.Tx, k catalog.Case, out catalog.Outcome) error {
	content := k.Proposal
	if out.Proposal != nil {
		content = *out.Proposal
	}
	if err := writeRegistration(ctx, tx, k, out.Open, content); err != nil {
		return err
	}
	if out.Event != nil {
		if err := s.writeEvent(ctx, tx, k.Dataset.ID, out.Open.ID, *out.Event); err != nil {
			return err
		}
	}
	switch {
	case out.Publish:
		return publish(ctx, tx, k, out, content)
	case out.State != "":
		_, err := tx.Exec(ctx, `UPDATE dataset SET state = $2, updated_at = $3 WHERE id = $1`, k.Dataset.ID, out.State, k.Now)
		if err != nil {
			return fmt.Errorf("move dataset: %w", err)
		}
	}
	if k.Dataset.Revision == 0 && out.Proposal != nil {
		return writeIndex(ctx, tx, k.Dataset.ID, false, "", content)
	}
	return nil
}

func writeRegistration(ctx context.Context, tx pgx.Tx, k catalog.Case, r catalog.Registration, proposal catalog.Content) error {
	if r.Rules == nil {
		r.Rules = catalog.Rules{}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO registration (id, dataset, kind, state, proposal, before, publisher, waits_on, created_at, updated_at, due_at, submitter, rules)
		VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, ''), $9, $10, $11, nullif($12, ''), $13)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, proposal = excluded.proposal, publisher = excluded.publisher,
			waits_on = excluded.waits_on, updated_at = excluded.updated_at, due_at = excluded.due_at,
			submitter = excluded.submitter, rules = excluded.rules`,
		r.ID, k.Dataset.ID, r.Kind, r.State, proposal, publishedContent(k), r.Publisher, r.State.WaitsOn(), r.CreatedAt, r.UpdatedAt,
		nullTime(r.DueAt), r.Submitter, r.Rules)
	if err != nil {
		return fmt.Errorf("write registration: %w", err)
	}
	return nil
}

// publishedContent is what is published, empty while nothing is.
func publishedContent(k catalog.Case) catalog.Content {
	if k.Dataset.Revision == 0 {
		return catalog.Content{}
	}
	return k.Dataset.Content
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Catalog) writeEvent(ctx context.Context, tx pgx.Tx, id plinth.DatasetID, r plinth.RegistrationID, e catalog.Event) error {
	if err := s.db.AppendRecord(ctx, tx, e.Record); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO dataset_event (dataset, registration, at, actor, actor_name, action, note, record_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, r, e.At, e.Actor.Account, e.Actor.Name, e.Action, e.Note, e.Record.ID)
	if err != nil {
		return fmt.Errorf("write step: %w", err)
	}
	return nil
}

// publish makes the proposal the published revision, and gives the dataset its code if it has none.
func publish(ctx context.Context, tx pgx.Tx, k catalog.Case, out catalog.Outcome, content catalog.Content) error {
	code := k.Dataset.Code
	if code == "" {
		var err error
		if code, err = newCode(ctx, tx, content.Publisher); err != nil {
			return err
		}
	}
	number := k.Dataset.Revision + 1
	_, err := tx.Exec(ctx, `
		INSERT INTO dataset_revision (dataset, number, registration, content, published_at, record_id) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.Dataset.ID, number, out.Open.ID, content, k.Now, out.Event.Record.ID)
	if err != nil {
		return fmt.Errorf("publish revision: %w", err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE dataset SET code = $2, state = $3, revision = $4, updated_at = $5, registered_at = coalesce(registered_at, $5),
			valid_until = $6 WHERE id = $1`,
		k.Dataset.ID, code, out.State, number, k.Now, out.Valid)
	if err != nil {
		return fmt.Errorf("publish dataset: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM dataset_index WHERE dataset = $1`, k.Dataset.ID); err != nil {
		return fmt.Errorf("index dataset: %w", err)
	}
	return writeIndex(ctx, tx, k.Dataset.ID, true, code, content)
}

// newCode gives the next resource code: the district's division code, the publisher's number, a running number. The
// sequence never goes back, not even when the transaction does, so a code is never given twice.
func newCode(ctx context.Context, tx pgx.Tx, publisher plinth.AgentID) (string, error) {
	var number, running int
	err := tx.QueryRow(ctx, `SELECT number, nextval('dataset_code') FROM agent WHERE id = $1`, publisher).Scan(&number, &running)
	if err != nil {
		return "", fmt.Errorf("give code: %w", err)
	}
	return fmt.Sprintf("310107%03d/%06d", number, running), nil
}

func writeIndex(ctx context.Context, tx pgx.Tx, id plinth.DatasetID, published bool, code string, c catalog.Content) error {
	var zh, en string
	if err := tx.QueryRow(ctx, `SELECT name_zh, name_en FROM agent WHERE id = $1`, c.Publisher).Scan(&zh, &en); err != nil {
		return fmt.Errorf("index dataset: %w", err)
	}
	x := catalog.IndexOf(c, code, zh+"\n"+en)
	_, err := tx.Exec(ctx, `
		INSERT INTO dataset_index (dataset, published, content, publisher, theme, openness, title, haystack, grams)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::tsvector)
		ON CONFLICT (dataset, published) DO UPDATE SET content = excluded.content, publisher = excluded.publisher,
			theme = excluded.theme, openness = excluded.openness, title = excluded.title, haystack = excluded.haystack, grams = excluded.grams`,
		id, published, c, c.Publisher, c.Theme, c.Openness, x.Title, x.Text, tsvector(x))
	if err != nil {
		return fmt.Errorf("index dataset: %w", err)
	}
	return nil
}
