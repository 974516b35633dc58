package api

import (
	"context"

	pb "plinth/api/plinth/v1"
	"plinth/catalog"
)

// CatalogFigure reads the catalogue's numbers.
func CatalogFigure(c *catalog.Catalog) Figure {
	return Figure{Name: "catalogue", Read: func(ctx context.Context, o *pb.Overview) error {
		n, err := c.Numbers(ctx)
		if err != nil {
			return err
		}
		o.Datasets, o.DatasetsRegistered, o.DatasetsLate, o.DatasetsOpen = int64(n.Datasets), int64(n.Registered), int64(n.Late), int64(n.Open)
		o.Timely, o.TimelyDue, o.Opened, o.Openable = int64(n.Timely), int64(n.TimelyDue), int64(n.Opened), int64(n.Openable)
		o.RegistrationsWaiting = int64(n.RegistrationsWaiting)
		return nil
	}}
}

// CountFigure reads one number: field points at where it belongs.
func CountFigure(name string, count func(context.Context) (int64, error), field func(*pb.Overview) *int64) Figure {
	return Figure{Name: name, Read: func(ctx context.Context, o *pb.Overview) error {
		n, err := count(ctx)
		if err != nil {
			return err
		}
		*field(o) = n
		return nil
	}}
}
