package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/catalog"
	"plinth/ledger"
)

// Rules implements catalog.RuleBook.
func (s *Catalog) Rules(ctx context.Context) ([]catalog.Rule, error) {
	all, err := rules(ctx, s.db)
	return all, translate(err)
}

func rules(ctx context.Context, q querier) ([]catalog.Rule, error) {
	rows, err := q.Query(ctx, `SELECT key, version, value, unit, source, valid_from FROM rule ORDER BY key, version`)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r catalog.Rule, err error) {
		err = row.Scan(&r.Key, &r.Version, &r.Value, &r.Unit, &r.Source, &r.ValidFrom)
		return r, err
	})
}

// AddRule implements catalog.RuleBook. The unit is that of the version before; a key without one is not known.
func (s *Catalog) AddRule(ctx context.Context, r catalog.Rule, by plinth.Principal) error {
	payload, err := json.Marshal(struct {
		Key    string           `json:"key"`
		Value  int              `json:"value"`
		Source string           `json:"source"`
		From   time.Time        `json:"valid_from"`
		By     plinth.AccountID `json:"by"`
	}{r.Key, r.Value, r.Source, r.ValidFrom.UTC(), by.Account})
	if err != nil {
		return fmt.Errorf("record rule: %w", err)
	}
	org := string(by.Department)
	if org == "" {
		org = "plinth"
	}
	return s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO rule (key, version, value, unit, source, valid_from, set_by)
			SELECT key, version + 1, $2, unit, $3, $4, $5 FROM rule WHERE key = $1 ORDER BY version DESC LIMIT 1`,
			r.Key, r.Value, r.Source, r.ValidFrom, by.Account)
		if err != nil {
			return fmt.Errorf("add rule: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return plinth.Invalid("key", "%q is not a rule", r.Key)
		}
		return s.db.AppendRecord(ctx, tx, ledger.Record{ID: uuid.New(), Origin: ledger.Authz, Kind: "rule.added", Org: org,
			Subject: "rule:" + r.Key, From: r.ValidFrom, To: r.ValidFrom, Count: 1, Payload: payload, Relation: ledger.Generated})
	})
}

// Calendar implements catalog.RuleBook.
func (s *Catalog) Calendar(ctx context.Context) (catalog.Calendar, error) {
	c, err := calendar(ctx, s.db)
	return c, translate(err)
}

func calendar(ctx context.Context, q querier) (catalog.Calendar, error) {
	c := catalog.Calendar{Moved: map[catalog.Day]bool{}}
	rows, err := q.Query(ctx, `SELECT to_char(day, 'YYYY-MM-DD'), works FROM moved_day`)
	if err != nil {
		return c, fmt.Errorf("read calendar: %w", err)
	}
	var day catalog.Day
	var works bool
	_, err = pgx.ForEachRow(rows, []any{&day, &works}, func() error {
		c.Moved[day] = works
		return nil
	})
	return c, err
}

// Tables implements catalog.MeasureKeeper.
func (s *Catalog) Tables(ctx context.Context) (map[plinth.DatasetID]string, error) {
	rows, err := s.db.Query(ctx, `
		SELECT d.id, i.content->>'table' FROM dataset d JOIN dataset_index i ON i.dataset = d.id AND i.published
		WHERE d.state = 'registered' AND i.content->>'table' <> ''`)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", translate(err))
	}
	out := map[plinth.DatasetID]string{}
	var id plinth.DatasetID
	var table string
	_, err = pgx.ForEachRow(rows, []any{&id, &table}, func() error {
		out[id] = table
		return nil
	})
	return out, translate(err)
}

// KeepMeasurement implements catalog.MeasureKeeper.
func (s *Catalog) KeepMeasurement(ctx context.Context, id plinth.DatasetID, m catalog.Measurement, at time.Time) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO dataset_measure (dataset, data_until, rows, measured_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (dataset) DO UPDATE SET data_until = excluded.data_until, rows = excluded.rows, measured_at = excluded.measured_at`,
		id, nullTime(m.Until), m.Rows, at)
	if err != nil {
		return fmt.Errorf("keep measurement: %w", translate(err))
	}
	return nil
}
