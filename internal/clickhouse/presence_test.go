package clickhouse_test

import (
	"testing"
	"time"

	"plinth"
	"plinth/internal/clickhouse"
	"plinth/pipelines"
	"plinth/sensors"
)

func TestADeviceIsOnlineInTheHoursInWhichItReports(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	readings, hours := clickhouse.NewReadings(db), clickhouse.NewHours(db)
	from, to := noon, noon.Add(5*time.Hour+30*time.Minute) // the hours up to 17:00 are computed
	device := func(id string, every time.Duration) *sensors.Device {
		return &sensors.Device{ID: plinth.DeviceID(id), Kind: "camera", Owner: "police", Interval: every}
	}
	if err := clickhouse.NewDevices(db).Mirror(ctx, []*sensors.Device{device("pres-1", 10*time.Minute), device("pres-2", 10*time.Minute),
		device("pres-3", 2*time.Hour), device("pres-4", time.Hour)}, noon); err != nil {
		t.Fatal(err)
	}
	var rs []sensors.Reading
	say := func(id, metric string, at time.Time, seq uint64) {
		rs = append(rs, sensors.Reading{Device: plinth.DeviceID(id), Metric: metric, At: at, Seq: seq, Value: 1, RX: to})
	}
	for at := from; at.Before(to); at = at.Add(10 * time.Minute) {
		say("pres-1", "online", at, 0)
		say("pres-1", "bitrate", at, 0)
	}
	for i := range 60 { // a flood in one hour, half of another
		say("pres-2", "online", from.Add(time.Duration(i)*time.Minute), 0)
	}
	for i := range 3 {
		say("pres-2", "online", from.Add(2*time.Hour+time.Duration(i)*10*time.Minute), 0)
	}
	say("pres-3", "online", from.Add(time.Minute), 0)
	say("pres-3", "online", from.Add(2*time.Hour+time.Minute), 0)
	for range 2 { // the same row twice is one
		say("pres-4", "online", to.Add(-time.Minute), 0)
	}
	if err := readings.InsertReadings(ctx, rs); err != nil {
		t.Fatal(err)
	}
	for _, metric := range []string{"online", "bitrate"} {
		for h := from; h.Before(from.Add(5 * time.Hour)); h = h.Add(time.Hour) {
			if err := hours.ComputeHour(ctx, metric, h, []plinth.DeviceID{"pres-1", "pres-2", "pres-3", "pres-4"}, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := clickhouse.NewPresence(db).Reported(ctx, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[plinth.DeviceID]time.Duration{"pres-1": 5*time.Hour + 30*time.Minute, "pres-2": 90 * time.Minute,
		"pres-3": 4 * time.Hour, "pres-4": time.Hour} {
		if got[id] != want {
			t.Errorf("%s reported for %s, want %s", id, got[id], want)
		}
	}
}

func TestStrangersAreTheDevicesThatWereHeardAndAreNotRegistered(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	at := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	letter := func(source, field, reason string) pipelines.DeadLetter {
		return pipelines.DeadLetter{At: at, Source: source, Field: field, Reason: reason, Payload: "x"}
	}
	if err := clickhouse.NewSink(db).InsertDeadLetters(ctx, []pipelines.DeadLetter{
		letter("plinth/v1/camera/cam-7/data", "topic", `the device "cam-7" is not registered`),
		letter("plinth/v1/camera/p01/cam-7/data", "topic", `the device "cam-7" is not registered`),
		letter("http/lift-9", "device", `the device "lift-9" is not registered`),
		letter("plinth/v1/camera/X/data", "topic", `the device "\"; DROP" is not registered`),
		letter("plinth/v1/camera/cam-8/data", "v.ph", `the device "cam-8" is not registered`),
	}); err != nil {
		t.Fatal(err)
	}
	got, err := clickhouse.NewPresence(db).Strangers(ctx, at.Add(-time.Hour), at.Add(time.Hour), 10)
	if err != nil || len(got) != 2 || got[0].ID != "cam-7" || got[0].Kind != "camera" || got[1].ID != "lift-9" || got[1].Kind != "" {
		t.Errorf("%+v, %v", got, err)
	}
}
