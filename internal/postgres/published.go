package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"plinth"
	"plinth/catalog"
	"plinth/policy"
)

// Published is what other rooms read of the catalogue: registered datasets and names.
type Published struct{ db *DB }

var _ policy.Datasets = (*Published)(nil)

// NewPublished returns the published view of the catalogue in db.
func NewPublished(db *DB) *Published { return &Published{db} }

// Dataset implements policy.Datasets. An expired or cancelled dataset is there but not registered.
func (s *Published) Dataset(ctx context.Context, id plinth.DatasetID) (policy.Dataset, error) {
	d := policy.Dataset{ID: id}
	var c catalog.Content
	err := s.db.QueryRow(ctx, `
		SELECT i.content, d.revision, d.state = 'registered' AND d.valid_until > now()
		FROM dataset d JOIN dataset_index i ON i.dataset = d.id AND i.published WHERE d.id = $1`, id).Scan(&c, &d.Revision, &d.Registered)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, plinth.Errorf(plinth.ErrNotFound, "there is no such dataset in the catalogue")
	}
	if err != nil {
		return d, fmt.Errorf("read dataset: %w", translate(err))
	}
	d.Title, d.Publisher, d.Table = policy.Text{ZH: c.Title.ZH, EN: c.Title.EN}, c.Publisher, c.Table
	for _, f := range c.Fields {
		d.Fields = append(d.Fields, policy.Field{Name: f.Name, Kind: policy.Kind(f.Type), Sensitivity: policy.Sensitivity(f.Sensitivity)})
	}
	return d, nil
}

// WorkingDays implements policy.Datasets by the catalogue's calendar.
func (s *Published) WorkingDays(ctx context.Context, from time.Time, n int) (time.Time, error) {
	c, err := NewCatalog(s.db).Calendar(ctx)
	return c.Due(from, n), err
}

// AgentName is what people call an agent; a name that cannot be read is the id.
func (s *Published) AgentName(ctx context.Context, id plinth.AgentID) string {
	return s.name(ctx, `SELECT name_zh FROM agent WHERE id = $1`, string(id))
}

// AccountName is what people call an account.
func (s *Published) AccountName(ctx context.Context, id plinth.AccountID) string {
	return s.name(ctx, `SELECT name FROM account WHERE id = $1`, string(id))
}

func (s *Published) name(ctx context.Context, sql, id string) string {
	var name string
	if err := s.db.QueryRow(ctx, sql, id).Scan(&name); err != nil {
		return id
	}
	return name
}
