package main

import (
	"context"
	"path/filepath"
	"time"

	"plinth/internal/postgres"
	"plinth/pipelines"
)

// pipelinesEvery is how often the folder of declarations, and what other instances paused, is looked at.
const pipelinesEvery = 2 * time.Second

// openBoard declares the pipelines that ship and follows those that others declare.
func (h *house) openBoard(ctx context.Context, store *postgres.Pipelines, mappings map[string]*pipelines.Mapping) error {
	s, owner := h.streams, h.catalog.Authority()
	s.board = &pipelines.Board{Store: store, Gates: &pipelines.Gates{}, Now: h.now, Log: h.log,
		Mappings: func() map[string]*pipelines.Mapping { return mappings }}
	if err := s.board.Ship(ctx, append(pipelines.ShippedFiles(mappings, owner), pipelines.ShippedHTTP(owner))...); err != nil {
		return err
	}
	s.paces = pipelines.NewPaces(s.meter)
	folder := filepath.Join(h.cfg.Data, "pipelines")
	h.task("pipelines", func(ctx context.Context) error { return s.board.Watch(ctx, folder, pipelinesEvery) })
	h.task("paces", func(ctx context.Context) error { s.paces.Run(ctx.Done(), h.now); return nil })
	return nil
}
