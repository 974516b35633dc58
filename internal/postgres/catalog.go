package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/catalog"
)

// Catalog keeps datasets, registrations, rules and open lists.
type Catalog struct{ db *DB }

var _ catalog.Store = (*Catalog)(nil)

// NewCatalog returns the catalogue's store in db.
func NewCatalog(db *DB) *Catalog { return &Catalog{db} }

// Agents implements catalog.Reader.
func (s *Catalog) Agents(ctx context.Context) ([]catalog.Agent, error) {
	rows, err := s.db.Query(ctx, `SELECT id, number, name_zh, name_en, kind, credit_code FROM agent ORDER BY number`)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", translate(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a catalog.Agent, err error) {
		err = row.Scan(&a.ID, &a.Number, &a.Name.ZH, &a.Name.EN, &a.Kind, &a.CreditCode)
		return a, err
	})
	return all, translate(err)
}

// selectDataset reads the datasets of hit, a table of ids with their weight and the total.
const selectDataset = `
	SELECT d.id, coalesce(d.code, ''), i.content, d.state, d.revision, d.created_at, d.updated_at,
		coalesce(d.registered_at, '0001-01-01'), coalesce(d.valid_until, '0001-01-01'), coalesce(r.id, ''),
		e.record_id, coalesce(s.state, 'pending'), coalesce(m.data_until, '0001-01-01'), coalesce(m.rows, 0), hit.total
	FROM hit
	JOIN dataset d ON d.id = hit.id
	JOIN dataset_index i ON i.dataset = d.id AND i.published = (d.revision > 0)
	LEFT JOIN registration r ON r.dataset = d.id AND r.waits_on IS NOT NULL
	LEFT JOIN LATERAL (SELECT record_id FROM dataset_event WHERE dataset = d.id ORDER BY n DESC LIMIT 1) e ON true
	LEFT JOIN ledger_state s ON s.id = e.record_id
	LEFT JOIN dataset_measure m ON m.dataset = d.id
	ORDER BY hit.titled DESC, d.id DESC`

func scanDataset(row pgx.CollectableRow, total *int) (d catalog.Dataset, err error) {
	var record *uuid.UUID
	err = row.Scan(&d.ID, &d.Code, &d.Content, &d.State, &d.Revision, &d.CreatedAt, &d.UpdatedAt, &d.RegisteredAt, &d.ValidUntil,
		&d.Registration, &record, &d.Evidence, &d.DataUntil, &d.Rows, total)
	if record != nil {
		d.Record = record.String()
	}
	return d, err
}

// Dataset implements catalog.Reader.
func (s *Catalog) Dataset(ctx context.Context, id plinth.DatasetID) (catalog.Dataset, error) {
	return dataset(ctx, s.db, id)
}

func dataset(ctx context.Context, q querier, id plinth.DatasetID) (catalog.Dataset, error) {
	rows, err := q.Query(ctx, `WITH hit AS (SELECT $1::text AS id, 0 AS titled, 1 AS total)`+selectDataset, id)
	if err != nil {
		return catalog.Dataset{}, fmt.Errorf("read dataset: %w", translate(err))
	}
	var total int
	d, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (catalog.Dataset, error) { return scanDataset(row, &total) })
	if errors.Is(err, pgx.ErrNoRows) {
		err = plinth.Errorf(plinth.ErrNotFound, "there is no such dataset")
	}
	return d, translate(err)
}

// clauses collects conditions with their parameters.
type clauses struct {
	where []string
	args  []any
}

// add appends a condition whose %d stands for the parameter's number.
func (c *clauses) add(condition string, arg any) {
	c.args = append(c.args, arg)
	c.where = append(c.where, strings.ReplaceAll(condition, "%d", fmt.Sprint(len(c.args))))
}

func (c *clauses) String() string {
	if len(c.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.where, " AND ")
}

// Datasets implements catalog.Reader. An entry whose title holds more of the query's terms comes first.
func (s *Catalog) Datasets(ctx context.Context, f catalog.Filter) ([]catalog.Dataset, int, error) {
	c := datasetClauses(f)
	if q := tsquery(f.Query); q != "" {
		c.add(`i.grams @@ $%d::tsquery`, q)
	}
	titled := []string{`0`}
	for _, term := range catalog.Terms(f.Query) {
		c.add(`position($%d IN i.haystack) > 0`, term)
		titled = append(titled, fmt.Sprintf(`(position($%d IN i.title) > 0)::int`, len(c.args)))
	}
	n := len(c.args)
	// What is found is read after it is cut to the page, and not before.
	sql := fmt.Sprintf(`
		WITH hit AS (
			SELECT d.id, %s AS titled, count(*) OVER () AS total
			FROM dataset d JOIN dataset_index i ON i.dataset = d.id AND i.published = (d.revision > 0)%s
			ORDER BY titled DESC, d.id DESC LIMIT $%d OFFSET $%d)`, strings.Join(titled, ` + `), c, n+1, n+2) + selectDataset
	rows, err := s.db.Query(ctx, sql, append(c.args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list datasets: %w", translate(err))
	}
	var total int
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (catalog.Dataset, error) { return scanDataset(row, &total) })
	return all, total, translate(err)
}

func datasetClauses(f catalog.Filter) *clauses {
	var c clauses
	if !f.AllDrafts {
		c.add(`(d.state = 'registered' OR i.publisher = $%d)`, f.DraftsOf)
	}
	if f.State != "" {
		c.add(`CASE WHEN d.state = 'registered' AND d.valid_until <= $%d THEN 'expired' ELSE d.state END`, f.Now)
		c.args = append(c.args, f.State)
		c.where[len(c.where)-1] += fmt.Sprintf(` = $%d`, len(c.args))
	}
	for _, eq := range []struct{ column, value string }{{"i.openness", f.Openness}, {"i.publisher", string(f.Publisher)}, {"i.theme", f.Theme}} {
		if eq.value != "" {
			c.add(eq.column+` = $%d`, eq.value)
		}
	}
	return &c
}

// tsquery asks for all grams of a query; "" when it has none. Grams are letters and digits alone, so nothing in them
// can end the quotes.
func tsquery(query string) string {
	grams := catalog.QueryGrams(query)
	if len(grams) == 0 {
		return ""
	}
	return "'" + strings.Join(grams, "' & '") + "'"
}

// tsvector writes the grams of an index.
func tsvector(x catalog.Index) string {
	if len(x.Grams) == 0 {
		return ""
	}
	return "'" + strings.Join(x.Grams, "' '") + "'"
}

const selectItem = `
	SELECT e.at, e.actor, e.actor_name, e.action, e.note, e.record_id::text, coalesce(s.state, 'pending')
	FROM dataset_event e LEFT JOIN ledger_state s ON s.id = e.record_id`

// Timeline implements catalog.Reader.
func (s *Catalog) Timeline(ctx context.Context, id plinth.DatasetID) ([]catalog.Item, error) {
	return s.items(ctx, selectItem+` WHERE e.dataset = $1 ORDER BY e.n`, id)
}

// RegistrationTimeline implements catalog.RegistrationReader.
func (s *Catalog) RegistrationTimeline(ctx context.Context, id plinth.RegistrationID) ([]catalog.Item, error) {
	return s.items(ctx, selectItem+` WHERE e.registration = $1 ORDER BY e.n`, id)
}

func (s *Catalog) items(ctx context.Context, sql string, id any) ([]catalog.Item, error) {
	rows, err := s.db.Query(ctx, sql, id)
	if err != nil {
		return nil, fmt.Errorf("read timeline: %w", translate(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (it catalog.Item, err error) {
		err = row.Scan(&it.At, &it.Actor, &it.ActorName, &it.Action, &it.Note, &it.Record, &it.Evidence)
		return it, err
	})
	return all, translate(err)
}

const selectRegistration = `
	SELECT r.id, r.dataset, r.kind, r.state, r.publisher, r.created_at, r.updated_at, coalesce(r.due_at, '0001-01-01'),
		coalesce(r.submitter, ''), r.rules, r.before, r.proposal, e.record_id, coalesce(s.state, 'pending'), count(*) OVER ()
	FROM registration r
	LEFT JOIN LATERAL (SELECT record_id FROM dataset_event WHERE registration = r.id ORDER BY n DESC LIMIT 1) e ON true
	LEFT JOIN ledger_state s ON s.id = e.record_id`

// registered is a registration with both contents.
type registered struct {
	catalog.Registration
	before, proposal catalog.Content
}

func scanRegistration(row pgx.CollectableRow, total *int) (r registered, err error) {
	var record *uuid.UUID
	err = row.Scan(&r.ID, &r.Dataset, &r.Kind, &r.State, &r.Publisher, &r.CreatedAt, &r.UpdatedAt, &r.DueAt, &r.Submitter, &r.Rules,
		&r.before, &r.proposal, &record, &r.Evidence, total)
	if record != nil {
		r.Record = record.String()
	}
	r.Title = r.proposal.Title
	return r, err
}

// Registration implements catalog.RegistrationReader.
func (s *Catalog) Registration(ctx context.Context, id plinth.RegistrationID) (catalog.Registration, catalog.Content, catalog.Content, error) {
	r, err := registration(ctx, s.db, selectRegistration+` WHERE r.id = $1`, id)
	return r.Registration, r.before, r.proposal, err
}

func registration(ctx context.Context, q querier, sql string, id any) (registered, error) {
	rows, err := q.Query(ctx, sql, id)
	if err != nil {
		return registered{}, fmt.Errorf("read registration: %w", translate(err))
	}
	var total int
	r, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (registered, error) { return scanRegistration(row, &total) })
	if errors.Is(err, pgx.ErrNoRows) {
		err = plinth.Errorf(plinth.ErrNotFound, "there is no such registration")
	}
	return r, translate(err)
}

// Registrations implements catalog.RegistrationReader.
func (s *Catalog) Registrations(ctx context.Context, f catalog.RegistrationFilter) ([]catalog.Registration, int, error) {
	var c clauses
	if f.WaitsOn != nil {
		c.add(`r.waits_on = ANY ($%d)`, f.WaitsOn)
	}
	for _, eq := range []struct{ column, value string }{{"r.state", string(f.State)}, {"r.dataset", string(f.Dataset)}, {"r.publisher", string(f.Publisher)}} {
		if eq.value != "" {
			c.add(eq.column+` = $%d`, eq.value)
		}
	}
	n := len(c.args)
	sql := selectRegistration + c.String() + fmt.Sprintf(` ORDER BY r.waits_on IS NULL, r.due_at NULLS LAST, r.id LIMIT $%d OFFSET $%d`, n+1, n+2)
	rows, err := s.db.Query(ctx, sql, append(c.args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list registrations: %w", translate(err))
	}
	var total int
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (catalog.Registration, error) {
		r, err := scanRegistration(row, &total)
		return r.Registration, err
	})
	return all, total, translate(err)
}
