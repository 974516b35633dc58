package main

import (
	"context"
	"time"

	"plinth/pipelines"
)

// The newest readings that other members stored are read every followEvery, and no more than a share of the time: what
// came in the last seconds is read again and again, and a busy store has more to do.
const (
	followEvery = 2 * time.Second
	followShare = 10 // one in so many
)

// unfollowed is said when those cannot be read.
const unfollowed = "readings of other members not read, those shown are old"

// followOthers keeps what is known of the devices whose parts other members work: their newest readings, for those who
// look and for judging when a part becomes ours. Alone it asks nothing.
func (h *house) followOthers(ctx context.Context) error {
	if h.streams.crew.Alone() {
		h.streams.followed(h.now())
		return nil
	}
	begun := time.Now()
	if begun.Before(h.streams.rested) {
		return nil
	}
	err := h.follow(ctx)
	h.streams.rested = begun.Add(followShare * time.Since(begun))
	return err
}

// follow reads what was stored since the last time, and a little before: a row is visible some time after its rx.
func (h *house) follow(ctx context.Context) error {
	s, now := h.streams, h.now()
	s.following.Lock()
	defer s.following.Unlock()
	rows, err := s.sink.Arrived(ctx, s.since.Add(-pipelines.InsertTimeout))
	if err != nil {
		return err
	}
	s.since = now
	s.feed.Show(s.watch.Follow(rows))
	return nil
}

// followed says that all that was stored before now is known.
func (s *streams) followed(now time.Time) {
	s.following.Lock()
	defer s.following.Unlock()
	s.since = now
}
