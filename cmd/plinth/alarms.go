package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plinth"
	"plinth/api"
	"plinth/internal/periodic"
	"plinth/internal/postgres"
	"plinth/pipelines"
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

// openRules starts the rules on the streams, before any door is open. They decide on the parts that are ours.
func (h *house) openRules(ctx context.Context) error {
	s, store := h.streams, postgres.NewAlarms(h.pg)
	permits := alarm.NewPermits(store, h.now, h.log)
	if err := permits.Reload(ctx); err != nil {
		return err
	}
	ofKind := func(kind string) []*sensors.Device { return s.registry.Devices(sensors.Filter{Kind: kind}, nil) }
	s.alarms = alarm.New(alarm.Config{Packs: h.packs, Device: s.registry.Device, Devices: ofKind, Partitions: h.cfg.Ingest.Partitions,
		Store: store, Teller: store, States: store, Notes: store, Rows: s.sink.Readings, Excuse: permits.Excuse, Blind: s.blind,
		Event: h.alarmEvents, Now: h.now, Log: h.log})
	h.registry.MustRegister(alarmMetrics{s.alarms})
	h.task("permits", permits.Run)
	h.task("alarms", s.alarms.Run)
	return nil
}

// openAlarms opens the desk where people see alarms. What they find out reaches the rules by the store.
func (h *house) openAlarms(context.Context) error {
	store := postgres.NewAlarms(h.pg)
	desk := alarm.NewDesk(store, h.now)
	h.again("alarm news", periodic.AtOnce(time.Second), "alarms are not among the live news", func(ctx context.Context) error {
		return store.Follow(ctx, h.showAlarm)
	})
	h.services = append(h.services, api.NewAlarms(api.AlarmDeps{Desk: desk, Permits: store, Packs: h.packs, Device: h.streams.registry.Device,
		Homes:  h.streams.registry.Homes,
		Agents: h.catalog, Accounts: postgres.NewAccountNames(h.pg, h.now), Now: h.now}))
	return nil
}

// mostWaiting is how many messages of a part may wait before its devices' silence means nothing: they may have spoken.
const mostWaiting = 500

// blind tells that messages of a part do not come through, so that silence is ours and not the devices'.
func (s *streams) blind(p sensors.Part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doors[p.Name()]
	return d == nil || d.Ready() != nil || d.Waiting() > mostWaiting
}

// showAlarm tells those who look at the house live.
func (h *house) showAlarm(a alarm.Alarm) { h.streams.feed.Publish(api.AlarmNews(a)) }

// alarmEvents stores alarms as events, so that they are fused with what people tell.
func (h *house) alarmEvents(ctx context.Context, as []alarm.Alarm) error {
	rows := make([]pipelines.Event, len(as))
	for i := range as {
		rows[i] = eventOf(&as[i], h.streams.registry.Device, h.now())
	}
	return h.streams.sink.InsertEvents(ctx, rows)
}

// eventOf is an alarm as an event, of devices that find knows.
func eventOf(a *alarm.Alarm, find func(plinth.DeviceID) *sensors.Device, rx time.Time) pipelines.Event {
	if a.About(find).Privacy() == sensors.Home {
		return homeEvent(a, rx)
	}
	return alarmEvent(a, rx)
}

// homeEvent is an alarm of a home as an event: that there is one in the grid, and how far it has come. Events, incidents and
// what is made of them are for more people than may see how someone lives, so what tells it never gets there. The number
// says nothing: the alarm's id follows from its device and rule, which could be tried out.
func homeEvent(a *alarm.Alarm, rx time.Time) pipelines.Event {
	title := alarm.HomeTitle.ZH
	if a.State == alarm.Withdrawn {
		title += "（已撤回）"
	}
	return pipelines.Event{Source: "sensor", SourceID: a.Event.String(), At: a.Since, Title: title, Street: a.Street, Grid: a.Grid, RX: rx,
		Attrs: map[string]string{sensors.PrivacyAttr: string(sensors.Home), "grade": gradeNames[a.Peak], "state": string(a.State),
			"unit": string(a.Unit)}}
}

// alarmEvent is an alarm as an event of the source "sensor". Its number there is the alarm's id, so telling it again
// corrects it.
func alarmEvent(a *alarm.Alarm, rx time.Time) pipelines.Event {
	title := a.Title.ZH
	if a.State == alarm.Withdrawn || a.Outcome == alarm.False {
		title += "（已撤回）"
	}
	return pipelines.Event{Source: "sensor", SourceID: string(a.ID), At: a.Since, Class: a.Class, Title: title, Text: a.Text.ZH,
		Street: a.Street, Grid: a.Grid, Address: a.Site, Longitude: a.Longitude, Latitude: a.Latitude, RX: rx,
		Attrs: map[string]string{"device": string(a.Device), "rule": a.Rule, "grade": gradeNames[a.Peak], "state": string(a.State),
			"outcome": string(a.Outcome), "unit": string(a.Unit)}}
}

var gradeNames = map[alarm.Grade]string{alarm.Notice: "notice", alarm.Warning: "warning", alarm.Urgent: "urgent"}

// alarmMetrics shows the engine's counts to Prometheus, read when it asks.
type alarmMetrics struct{ engine *alarm.Engine }

func alarmDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("plinth_alarm_"+name, help, nil, nil)
}

var (
	alarmDecided   = alarmDesc("decisions_total", "Decisions made on readings: raised, regraded, ended.")
	alarmTold      = alarmDesc("changes_total", "Changes of alarms written down, each once.")
	alarmWithdrawn = alarmDesc("withdrawn_total", "Alarms withdrawn because late rows refuted them.")
	alarmWatched   = alarmDesc("watched_devices", "Devices that rules watch.")
	alarmPending   = alarmDesc("pending_decisions", "Decisions that wait for their rows to be stored.")
	alarmOutgrown  = alarmDesc("outgrown_total", "Detectors that began anew because they had learnt more than their bound.")
)

// Describe implements prometheus.Collector.
func (alarmMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{alarmDecided, alarmTold, alarmWithdrawn, alarmWatched, alarmPending, alarmOutgrown} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m alarmMetrics) Collect(out chan<- prometheus.Metric) {
	c := m.engine.Counts()
	for d, v := range map[*prometheus.Desc]int64{alarmDecided: c.Decided, alarmTold: c.Told, alarmWithdrawn: c.Withdrawn,
		alarmOutgrown: c.Outgrown} {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	for d, v := range map[*prometheus.Desc]int64{alarmWatched: c.Watched, alarmPending: c.Pending} {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
}
