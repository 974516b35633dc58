package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"plinth/internal/periodic"
	"plinth/pipelines"
	"plinth/sensors"
	"plinth/sensors/mqtt"
)

// shareEvery is how often a member of the ingest says that it lives.
const shareEvery = time.Second

// drainWithin is how long a door that is given up may wait for what it took to be stored.
const drainWithin = 5 * time.Second

// openDoors takes our share of the doors: one for each part of the kinds that ship and of those that devices have. ready
// is asked before a part's work begins.
func (h *house) openDoors(runs pipelines.Runs, ready func(context.Context, sensors.Part) error) error {
	cfg, err := h.doorConfig()
	if err != nil {
		return err
	}
	s := h.streams
	cfg.Entitled = func() bool { return s.crew.Sure() }
	work := func(ctx context.Context, name string) error {
		part, err := h.part(name)
		if err != nil {
			return err
		}
		if err := ready(ctx, part); err != nil {
			return err
		}
		return h.workPart(ctx, cfg, part, runs)
	}
	s.crew = &pipelines.Crew{Name: h.member(), Shares: s.shares, Work: work, TTL: h.cfg.Ingest.Lease, Every: shareEvery,
		Parts: func() []string { return h.parts() }, Now: h.now, Log: h.log}
	s.sessions = &sessions{shares: s.shares, name: cfg.ClientID, opened: map[string]bool{}}
	h.onClose(s.close)
	h.task("streams", func(ctx context.Context) error {
		s.sessions.begun.Store(true)
		return s.crew.Run(ctx)
	})
	h.again("own counts", periodic.After(ratesEvery), "own counts not told to the other members", h.report)
	h.again("other members", periodic.After(followEvery), unfollowed, h.followOthers)
	return nil
}

// doorConfig says how the doors reach the broker.
func (h *house) doorConfig() (mqtt.Config, error) {
	password, err := readSecret(h.cfg.Broker.PasswordFile)
	if err != nil {
		return mqtt.Config{}, err
	}
	session, err := h.sessionName()
	if err != nil {
		return mqtt.Config{}, err
	}
	secure, err := h.cfg.Broker.brokerTLS()
	if err != nil {
		return mqtt.Config{}, err
	}
	cfg := mqtt.Config{URL: h.cfg.Broker.URL, User: h.cfg.Broker.User, Password: password, TLS: secure, ClientID: session}
	return cfg, cfg.Validate()
}

// member is our name among those that take messages in.
func (h *house) member() string {
	host, _ := os.Hostname() // without one the name is still ours on this machine
	return cmp.Or(h.cfg.Ingest.Member, "service@"+host)
}

// parts are the names of all parts there are now, of those kinds or of all.
func (h *house) parts(kinds ...string) []string {
	if len(kinds) == 0 {
		kinds = append(sensors.KnownKinds(), h.streams.registry.Kinds()...)
	}
	names := map[string]bool{}
	for _, kind := range kinds {
		for _, p := range sensors.Parts(kind, h.cfg.Ingest.Partitions[kind]) {
			names[p.Name()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// part is the part of a name: one of ours, or a partition that only others, or nobody any more, split its domain into.
func (h *house) part(name string) (sensors.Part, error) {
	p, err := sensors.ParsePart(name)
	if n := h.cfg.Ingest.Partitions[p.Domain]; p.Of > 0 && p.Number < n {
		p.Of = n
	}
	return p, err
}

// ship declares the pipeline of a part's domain.
func (h *house) ship(ctx context.Context, p sensors.Part) error {
	return h.streams.board.Ship(ctx, pipelines.ShippedStream(p.Domain, h.catalog.Authority()))
}

// workPart moves one part's messages, with a session, a budget and batches of its own, until ctx ends; then it drains.
// What the alarms' detectors have learnt of the part comes before and goes after.
func (h *house) workPart(ctx context.Context, cfg mqtt.Config, part sensors.Part, runs pipelines.Runs) error {
	s := h.streams
	if err := h.follow(ctx); err != nil { // what the part's member before us judged
		h.log.WarnContext(ctx, unfollowed, "err", err)
	}
	if err := s.alarms.Take(ctx, part); err != nil {
		return err
	}
	defer h.releasePart(part)
	door, err := mqtt.Open(cfg, part, h.log)
	if err != nil {
		return err
	}
	s.enter(part, door)
	defer s.leave(part, door)
	go h.noteOpened(ctx, part, door)
	stream := &pipelines.Stream{Domain: part.Domain, Urgent: part.Domain == "lift", Registry: s.registry, Watch: s.watch,
		Sink: s.sink, Decider: s.alarms, Feed: s.feed, Meter: s.meter, Gates: s.board.Gates, Now: h.now, Log: h.log}
	record := stream.Record(runs, part.Filter(), h.member())
	moving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	moved := make(chan error, 1)
	go func() { moved <- stream.Move(moving, door.Parcels()) }()
	go record(moving)
	select {
	case err := <-moved:
		return fmt.Errorf("the stream of %s ended: %w", part.Name(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(moving, drainWithin)
	defer cancel()
	door.Drain(drain)
	stop()
	<-moved
	return nil
}

// releasePart leaves the part's alarms to whoever takes it next.
func (h *house) releasePart(part sensors.Part) {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	if err := h.streams.alarms.Release(ctx, part); err != nil {
		h.log.Warn("detectors' state not saved, an older one is gone on from", "part", part.Name(), "err", err)
	}
}

func (s *streams) enter(p sensors.Part, d *mqtt.Door) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doors[p.Name()] = d
}

func (s *streams) leave(p sensors.Part, d *mqtt.Door) {
	d.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doors, p.Name())
}

// brokerReady tells whether every door of ours is open, and the broker keeps the messages of all parts, whoever works
// them: what is published before that is acknowledged by the broker and lost.
func (h *house) brokerReady(ctx context.Context) error {
	if err := h.streams.doorsReady(); err != nil {
		return err
	}
	return h.streams.sessions.kept(ctx, h.parts())
}

func (s *streams) doorsReady() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		if err := d.Ready(); err != nil {
			return err
		}
	}
	return nil
}

// waiting is how many messages each part's door holds.
func (s *streams) waiting() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for part, d := range s.doors {
		out[part] = d.Waiting()
	}
	return out
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		d.Close()
	}
}
