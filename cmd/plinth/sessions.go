package main

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"plinth"
	"plinth/internal/postgres"
	"plinth/internal/stack/broker"
	"plinth/sensors"
	"plinth/sensors/mqtt"
)

// sessions knows for which parts the broker keeps messages. A session that was subscribed once keeps them for ever,
// whichever member it belongs to; before that the broker acknowledges what devices publish and drops it.
type sessions struct {
	shares *postgres.Shares
	name   string      // of the sessions, without the part
	begun  atomic.Bool // our crew works

	mu     sync.Mutex
	opened map[string]bool // for which messages are kept, so far as we know
}

// kept tells whether the broker keeps the messages of all parts.
func (s *sessions) kept(ctx context.Context, parts []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ask []string
	for _, p := range parts {
		if !s.opened[p] {
			ask = append(ask, p)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	missing, err := s.shares.Unopened(ctx, ask, s.name)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return plinth.Errorf(plinth.ErrUnavailable, "the broker does not keep the messages of %s yet", strings.Join(missing, ", "))
	}
	for _, p := range ask {
		s.opened[p] = true
	}
	return nil
}

// noteOpened notes that the broker keeps the part's messages, once it does.
func (h *house) noteOpened(ctx context.Context, part sensors.Part, door *mqtt.Door) {
	if door.Opened(ctx) != nil {
		return
	}
	s := h.streams.sessions
	for {
		err := s.shares.Opened(ctx, part.Name(), s.name)
		if err == nil {
			return
		}
		h.log.WarnContext(ctx, "session of a part not noted, trying again", "part", part.Name(), "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(shareEvery):
		}
	}
}

// admitWithin is how long the first device of a new kind waits for the kind's session.
const admitWithin = 10 * time.Second

// doorkeeper lets devices in at the local broker when their messages would be kept.
type doorkeeper struct {
	broker.Users
	house *house
}

// Admit implements sensors.Doors.
func (k doorkeeper) Admit(ctx context.Context, devices []sensors.Device, credentials map[plinth.DeviceID]sensors.Credential) error {
	k.house.awaitSessions(ctx, devices)
	return k.Users.Admit(ctx, devices, credentials)
}

// awaitSessions waits until the broker keeps what the devices send, for a while. Before our crew works nothing is awaited:
// then we are not ready yet.
func (h *house) awaitSessions(ctx context.Context, devices []sensors.Device) {
	if h.streams == nil || h.streams.sessions == nil || !h.streams.sessions.begun.Load() {
		return
	}
	kinds := map[string]bool{}
	var parts []string
	for i := range devices {
		if kind := devices[i].Kind; !kinds[kind] {
			kinds[kind] = true
			parts = append(parts, h.parts(kind)...)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	for {
		err := h.streams.sessions.kept(ctx, parts)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			h.log.WarnContext(ctx, "devices let in before their messages are kept", "err", err)
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}
