package postgres

import (
	"context"
	"time"

	"plinth"
	"plinth/catalog"
	"plinth/policy"
)

// PolicyDatasets shows the policy room the published catalogue.
type PolicyDatasets struct {
	catalog *Catalog
	now     func() time.Time
}

var _ policy.Datasets = (*PolicyDatasets)(nil)

// NewPolicyDatasets returns the catalogue as the policy room sees it.
func NewPolicyDatasets(c *Catalog, now func() time.Time) *PolicyDatasets {
	return &PolicyDatasets{c, now}
}

// Dataset implements policy.Datasets. What is not published is not there.
func (s *PolicyDatasets) Dataset(ctx context.Context, id plinth.DatasetID) (policy.Dataset, error) {
	d, err := s.catalog.Dataset(ctx, id)
	if err != nil {
		return policy.Dataset{}, err
	}
	if !d.Published() {
		return policy.Dataset{}, plinth.Errorf(plinth.ErrNotFound, "there is no published dataset %.80q", id)
	}
	return s.published(d), nil
}

func (s *PolicyDatasets) published(d catalog.Dataset) policy.Dataset {
	out := policy.Dataset{ID: d.ID, Title: policy.Text{ZH: d.Title.ZH, EN: d.Title.EN}, Publisher: d.Publisher, Table: d.Table,
		Revision: d.Revision, Registered: d.ValidUntil.IsZero() || s.now().Before(d.ValidUntil)}
	for _, f := range d.Fields {
		out.Fields = append(out.Fields, policy.Field{Name: f.Name, Kind: policy.Kind(f.Type), Sensitivity: policy.Sensitivity(f.Sensitivity)})
	}
	return out
}

// WorkingDays implements policy.Datasets.
func (s *PolicyDatasets) WorkingDays(ctx context.Context, from time.Time, days int) (time.Time, error) {
	c, err := s.catalog.Calendar(ctx)
	return c.Due(from, days), err
}
