package main

import (
	"context"

	"plinth/api"
	"plinth/internal/postgres"
	"plinth/sensors"
	"plinth/sensors/alarm"
	"plinth/sensors/pack"
)

// openPacks reads the scenario packs, before anything needs to know a kind of device.
func (h *house) openPacks(context.Context) error {
	packs, err := pack.Load(packFolder(h.cfg.Data))
	if err != nil {
		return err
	}
	h.packs = packs
	sensors.UseKinds(packs.Kinds())
	return nil
}

// openAlarms opens the alarm desk.
func (h *house) openAlarms(context.Context) error {
	store := postgres.NewAlarms(h.pg)
	desk := alarm.NewDesk(store, h.now, h.showAlarm)
	h.services = append(h.services, api.NewAlarms(api.AlarmDeps{Desk: desk, Permits: store, Packs: h.packs, Agents: h.catalog,
		Accounts: postgres.NewAccountNames(h.pg, h.now), Now: h.now}))
	return nil
}

// showAlarm tells those who look at the house live.
func (h *house) showAlarm(a alarm.Alarm) { h.streams.feed.Publish(api.AlarmNews(a)) }
