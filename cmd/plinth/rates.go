package main

import (
	"context"
	"time"

	"plinth/internal/periodic"
	"plinth/sensors"
)

// ratesEvery is how often members tell each other what they have counted, and how often the live rates are shown.
const ratesEvery = time.Second

// report tells the other members what we have counted. Alone it tells nobody.
func (h *house) report(ctx context.Context) error {
	s := h.streams
	s.meter.Hold(s.held())
	if s.crew.Alone() {
		return nil
	}
	return s.shares.Report(ctx, h.member(), s.meter.Counts())
}

// held are the messages that our doors have taken and not acknowledged, by domain.
func (s *streams) held() map[string]int64 {
	out := map[string]int64{}
	for name, n := range s.waiting() {
		part, _ := sensors.ParsePart(name) // it is a door's
		out[part.Domain] += int64(n)
	}
	return out
}

// showRates shows every second what all members move. While the others' counts cannot be read, it shows ours.
func (h *house) showRates() {
	s := h.streams
	show := s.feed.Rates(&s.company.Meter)
	h.again("live rates", periodic.After(ratesEvery), "counts of other members not read, rates are without theirs", func(ctx context.Context) error {
		defer show()
		ctx, cancel := context.WithTimeout(ctx, ratesEvery/2)
		defer cancel()
		return s.company.Gather(ctx)
	})
}
