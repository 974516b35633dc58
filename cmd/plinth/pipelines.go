package main

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/internal/periodic"
	"plinth/internal/postgres"
	"plinth/pipelines"
	"plinth/pipelines/fetch"
)

// pipelinesEvery is how often the folder of declarations, and what other instances paused, is looked at.
const pipelinesEvery = 2 * time.Second

// openBoard declares the pipelines that ship and follows those that others declare.
func (h *house) openBoard(ctx context.Context, store *postgres.Pipelines, mappings *pipelines.Library) error {
	s, owner := h.streams, h.catalog.Authority()
	s.board = &pipelines.Board{Store: store, Gates: &pipelines.Gates{}, Now: h.now, Log: h.log, Mappings: mappings.All}
	if err := s.board.Ship(ctx, append(pipelines.ShippedFiles(mappings.All(), owner), pipelines.ShippedHTTP(owner))...); err != nil {
		return err
	}
	s.paces = pipelines.NewPaces(&s.company.Meter)
	folder := filepath.Join(h.cfg.Data, "pipelines")
	h.task("pipelines", func(ctx context.Context) error { return s.board.Watch(ctx, folder, pipelinesEvery) })
	h.again("mappings", periodic.After(pipelinesEvery), "mappings not read, the old ones stay", func(context.Context) error {
		return mappings.Reload()
	})
	h.task("paces", func(ctx context.Context) error { return s.paces.Run(ctx, h.now) })
	return nil
}

// letterDesk is where dead letters are replayed. It follows up at once what a stop cut off, and then every minute.
func (h *house) letterDesk(acts *postgres.Pipelines, importer *pipelines.Importer) *pipelines.LetterDesk {
	s := h.streams
	desk := &pipelines.LetterDesk{Letters: s.sink.DeadLetters, Acts: acts, Importer: importer, Mappings: s.board.Mappings, Declared: s.board.Get, Now: h.now, Follower: s.alarms,
		Stream: pipelines.Stream{Registry: s.registry, Watch: s.watch, Sink: s.sink, Meter: s.meter, Gates: s.board.Gates, Now: h.now, Log: h.log}}
	h.again("dead letters", periodic.AtOnce(time.Minute), "closed dead letters not marked yet", desk.Mend)
	return desk
}

// replays is where stored rows are sent through the present code beside the real ones.
func (h *house) replays(store *postgres.Pipelines, letters *pipelines.LetterDesk) *pipelines.ReplayDesk {
	s, shadow := h.streams, clickhouse.NewShadow(h.ch)
	desk := &pipelines.ReplayDesk{Store: store, Board: s.board, Registry: s.registry, Rows: shadow, Shadow: shadow, Changes: shadow,
		Sink: s.sink, Known: s.sink, Letters: letters, Now: h.now, Log: h.log}
	h.task("replays", desk.Run)
	return desk
}

// openInbox imports the files of the watched folders.
func (h *house) openInbox(importer *pipelines.Importer) {
	inbox := &pipelines.Inbox{Root: h.cfg.Data, Importer: importer, Mappings: h.streams.board.Mappings, Declared: h.streams.board.List,
		Gates: h.streams.board.Gates, Marks: postgres.NewMarks(h.pg), Now: h.now, Log: h.log}
	h.task("inbox", inbox.Run)
}

// openPulls asks the endpoints of the declared pull pipelines.
func (h *house) openPulls(importer *pipelines.Importer) error {
	client, err := fetch.New(h.cfg.Pull.fetch(h.cfg.Data, h.now))
	if err != nil {
		return err
	}
	b := h.streams.board
	puller := &pipelines.Puller{Importer: importer, Fetcher: client, Mappings: b.Mappings, Declared: b.List, Marks: postgres.NewMarks(h.pg),
		Leases: postgres.NewLeases(h.pg), Holder: plinth.NewID("pul"), Now: h.now, Log: h.log}
	h.task("pulls", puller.Run)
	return nil
}

// fetch is what the client that pulls is told.
func (c PullConfig) fetch(data string, now func() time.Time) fetch.Config {
	return fetch.Config{Allow: c.Allow, Secrets: cmp.Or(c.Secrets, filepath.Join(data, "secrets")), Now: now}
}
