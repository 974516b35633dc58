package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plinth"
	"plinth/sensors"
)

// TestKillsLoseNothing kills the service, the broker, ClickHouse and a member of the ingest in turn and has another member
// stand still beyond its lease, while devices publish to the partitions of their domain. In the end one member is killed
// for good and the other one leaves. Every acknowledged reading must be stored once, proven by one segment and counted in its
// hour. PLINTH_KILL_ROUNDS is how often something is killed, five times unless it is set.
func TestKillsLoseNothing(t *testing.T) {
	rounds := 5
	if text := os.Getenv("PLINTH_KILL_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := newSiege(t, briefLoad)
	outcome := s.run(t, func() bool { return s.kills < rounds })
	t.Logf("%d rounds: %+v", rounds, outcome)
	if outcome.wrong() || outcome.Acked == 0 {
		t.Errorf("%+v", outcome)
	}
}

// BenchmarkKills is the same for bench: an iteration is a kill.
func BenchmarkKills(b *testing.B) { besiege(b, briefLoad) }

// BenchmarkHour is the same with 20,000 readings a second: a hundred kills take an hour.
func BenchmarkHour(b *testing.B) { besiege(b, hourLoad) }

func besiege(b *testing.B, w siegeLoad) {
	s := newSiege(b, w)
	began := time.Now()
	o := s.run(b, b.Loop)
	b.ReportMetric(float64(o.Acked)/s.fed.Sub(began).Seconds(), "rows/s")
	b.ReportMetric(s.fed.Sub(began).Minutes(), "minutes")
	b.ReportMetric(float64(s.peak)/(1<<20), "MiB")
	b.ReportMetric(float64(s.kills), "kills")
	b.ReportMetric(float64(o.Lost), "lost")
	b.ReportMetric(float64(o.Doubled+o.Altered), "doubled")
	b.ReportMetric(float64(o.Unproven+o.Repeated), "unproven")
	b.ReportMetric(float64(o.Uncounted), "uncounted")
	b.ReportMetric(float64(o.Acked), "acked")
}

// siegeLoad is what devices send during a siege.
type siegeLoad struct {
	devices, pack int           // pack is the number of readings in a message
	pause         time.Duration // between a device's messages; what a kill held up is sent as fast as may be
	step          time.Duration // between the moments of its readings
	ago           time.Duration // how old the first reading is
	rest          time.Duration // between kills
}

var (
	briefLoad = siegeLoad{devices: 20, pack: 1, pause: 10 * time.Millisecond, step: 200 * time.Millisecond, ago: 6 * time.Hour,
		rest: 300 * time.Millisecond}
	hourLoad = siegeLoad{devices: 200, pack: 20, pause: 200 * time.Millisecond, step: 10 * time.Millisecond, rest: 30 * time.Second}
)

// siege is a house whose service and further members can be killed alone, and devices that publish to it through whatever
// happens.
type siege struct {
	siegeLoad
	house   *running
	service *siegeProcess
	members [2]*siegeProcess
	feeds   []*siegeFeed
	base    time.Time
	kills   int
	fed     time.Time // when the devices ended
	peak    int64     // bytes of memory that the service had at most, seen before each kill
}

const (
	siegeParts = 4
	siegeLease = 4 * time.Second
)

func newSiege(t testing.TB, w siegeLoad) *siege {
	t.Helper()
	s := openSiege(t)
	s.siegeLoad = w
	for i := range s.members {
		s.members[i] = s.enlist(t, fmt.Sprintf("member-%d", i))
	}
	for i := range w.devices {
		meter := siegeDevice{id: fmt.Sprintf("siege-%03d", i), kind: "construction_noise", interval: 1, parts: siegeParts}
		s.feeds = append(s.feeds, &siegeFeed{sender: s.register(t, meter), metric: "leq"})
	}
	return s
}

// openSiege is a house with its service alone.
func openSiege(t testing.TB) *siege {
	t.Helper()
	bin, data := buildPrograms(t), filepath.Join(t.TempDir(), "data")
	launchEngines(t, bin, data)
	s := &siege{house: newRunning("http://"+freeAddress(), data, bin)}
	s.service = startSiege(t, bin, data, "serve", s.house.url)
	return s
}

// enlist starts a further member of the ingest.
func (s *siege) enlist(t testing.TB, name string) *siegeProcess {
	t.Helper()
	return startSiege(t, s.house.bin, s.house.data, "ingest", "http://"+freeAddress(), "--ingest-member", name)
}

// launchEngines starts `plinth engines` and returns when they serve; the end of t stops them in order.
func launchEngines(t testing.TB, bin, data string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "plinth"), "engines", "--data", data, "--broker-ack-wait", "15s")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	awaitSiege(t, "engines", func() error {
		_, err := os.Stat(filepath.Join(data, "engines.yaml"))
		return err
	})
}

func awaitSiege(t testing.TB, what string, ready func() error) {
	t.Helper()
	awaitWithin(t, what, 3*time.Minute, ready)
}

func awaitWithin(t testing.TB, what string, within time.Duration, ready func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

func freeAddress() string {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// siegeProcess is one of our own processes, which can be killed and started again.
type siegeProcess struct {
	url  string
	args []string
	cmd  *exec.Cmd
}

func startSiege(t testing.TB, bin, data, command, url string, further ...string) *siegeProcess {
	t.Helper()
	p := &siegeProcess{url: url, args: append([]string{filepath.Join(bin, "plinth"), command, "--config", filepath.Join(data, "engines.yaml"),
		"--listen", strings.TrimPrefix(url, "http://"), "--ingest-partitions", fmt.Sprintf("construction_noise=%d", siegeParts),
		"--ingest-lease", siegeLease.String(), "--log-level", "warn"}, further...)}
	p.start(t)
	t.Cleanup(p.kill)
	return p
}

// start starts the process and waits until it is ready.
func (p *siegeProcess) start(t testing.TB) {
	t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.awaitReady(t)
}

func (p *siegeProcess) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *siegeProcess) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// memory is the most that the process had in memory so far (VmHWM), in bytes.
func (p *siegeProcess) memory(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// stand has the process stand still for a time.
func (p *siegeProcess) stand(t testing.TB, d time.Duration) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	time.Sleep(d) // the lease ends by the clock, there is nothing else to wait for
	p.signal(t, syscall.SIGCONT)
	p.awaitReady(t)
}

// leave has the process end in order: what it has in hand is stored and its parts are given back.
func (p *siegeProcess) leave(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%s left with %v", p.args[1], err)
	}
}

// awaitReady waits until every engine was seen to serve since now.
func (p *siegeProcess) awaitReady(t testing.TB) {
	t.Helper()
	since := time.Now()
	awaitSiege(t, p.args[1], func() error {
		status, answer, err := newRunning(p.url, "", "").call("", http.MethodGet, "/readyz", nil)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %.300s %w", status, answer, err)
		}
		var ready struct {
			Engines []struct{ CheckedAt time.Time }
		}
		if err := json.Unmarshal(answer, &ready); err != nil {
			return err
		}
		for _, e := range ready.Engines {
			if e.CheckedAt.Before(since) {
				return fmt.Errorf("not looked at again: %s", answer)
			}
		}
		return nil
	})
}

// kill kills what round n's turn is and waits until all serves again.
func (s *siege) kill(t testing.TB, n int) {
	t.Helper()
	switch n % 5 {
	case 0:
		s.service.kill()
		s.service.start(t)
	case 1:
		s.killEngine(t, "broker")
	case 2:
		s.members[0].kill()
		s.members[0].start(t)
	case 3:
		s.killEngine(t, "clickhouse")
	default:
		s.members[1].stand(t, 2*siegeLease)
	}
}

// killEngine kills an engine, which `plinth engines` starts again.
func (s *siege) killEngine(t testing.TB, name string) {
	t.Helper()
	pid := signalEngine(t, s.house.data, name, syscall.SIGKILL)
	awaitSiege(t, name, func() error {
		if now := enginePID(t, s.house.data, name); now == pid {
			return fmt.Errorf("process %d is not replaced", pid)
		}
		return nil
	})
	s.service.awaitReady(t)
}

// signalEngine sends an engine's process a signal.
func signalEngine(t testing.TB, data, name string, sig syscall.Signal) (pid int) {
	t.Helper()
	pid = enginePID(t, data, name)
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
	return pid
}

func enginePID(t testing.TB, data, name string) int {
	t.Helper()
	pids := map[string]int{}
	raw, err := os.ReadFile(filepath.Join(data, "processes.json"))
	if err == nil {
		err = json.Unmarshal(raw, &pids)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pids[name]
}

// run publishes, kills something as long as another says so, lets the devices finish and judges what is stored.
func (s *siege) run(t testing.TB, another func() bool) siegeOutcome {
	t.Helper()
	stop := s.feed()
	for ; another(); s.kills++ {
		time.Sleep(s.rest) // under load again
		s.peak = max(s.peak, s.service.memory(t))
		s.kill(t, s.kills)
	}
	time.Sleep(300 * time.Millisecond)
	s.members[0].kill() // for good: its parts go to the others when its lease ends
	time.Sleep(300 * time.Millisecond)
	s.members[1].leave(t)
	time.Sleep(300 * time.Millisecond)
	stop()
	return s.judge(t)
}

// feed has the devices publish until stop is called, which returns when each has finished the message in hand.
func (s *siege) feed() (stop func()) {
	ended := make(chan struct{})
	var feeding sync.WaitGroup
	s.base = time.Now().Add(-s.ago).UTC().Truncate(time.Minute)
	for _, f := range s.feeds {
		feeding.Go(func() { f.run(s, ended) })
	}
	return func() {
		close(ended)
		feeding.Wait()
		s.fed = time.Now()
	}
}

// acked is how many readings the broker has acknowledged to the devices so far.
func (s *siege) acked() (n int64) {
	for _, f := range s.feeds {
		n += f.acked.Load()
	}
	return n
}

// siegeFeed is a device that sends its readings one after the other, each until the broker has acknowledged it.
type siegeFeed struct {
	*sender
	metric string
	acked  atomic.Int64 // readings 1 to acked were acknowledged
}

// siegeDevice is what differs between devices of a siege.
type siegeDevice struct {
	id, kind string
	interval int    // seconds
	parts    int    // that its kind is split into; 0 is one
	metrics  string // JSON; the kind's when empty
}

// register registers a device and signs it in at the broker.
func (s *siege) register(t testing.TB, d siegeDevice) *sender {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"kind":%q,"name":{"zh":"围攻","en":"Siege"},"owner":"construction","street":"caoyang",
		"grid":"caoyang-01","longitude":121.41,"latitude":31.24,"intervalS":%d,"metrics":[%s]}`, d.id, d.kind, d.interval, d.metrics)
	status, answer, err := s.house.as("operator", http.MethodPost, "/v1/devices", []byte(body))
	if err != nil || status != http.StatusOK {
		t.Fatalf("register: %d %s %v", status, answer, err)
	}
	password, err := pick(answer, "mqttPassword")
	if err != nil {
		t.Fatal(err)
	}
	snd, err := newSender(s.house, d.id, d.kind, password)
	if err != nil {
		t.Fatal(err)
	}
	snd.topic = (&sensors.Device{ID: plinth.DeviceID(d.id), Kind: d.kind}).TopicIn(d.parts)
	t.Cleanup(func() { snd.client.Disconnect(250) })
	return snd
}

// run sends until stop is closed; the message in hand is finished first.
func (f *siegeFeed) run(s *siege, stop <-chan struct{}) {
	for due := time.Now(); ; due = due.Add(s.pause) {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(due)):
		}
		payload := f.message(s)
		for f.send(payload) != nil {
			time.Sleep(50 * time.Millisecond)
		}
		f.acked.Add(int64(s.pack))
	}
}

// message holds the next readings in columns.
func (f *siegeFeed) message(s *siege) []byte {
	var at, seq, v []string
	first := int(f.acked.Load()) + 1
	for n := first; n < first+s.pack; n++ {
		at = append(at, s.base.Add(time.Duration(n)*s.step).Format(`"2006-01-02T15:04:05.000Z07:00"`))
		seq = append(seq, strconv.Itoa(n))
		v = append(v, strconv.FormatFloat(siegeValue(n), 'g', -1, 64))
	}
	return fmt.Appendf(nil, `{"at":[%s],"seq":[%s],"v":{%q:[%s]}}`, strings.Join(at, ","), strings.Join(seq, ","), f.metric, strings.Join(v, ","))
}

// siegeValue is what reading n says.
func siegeValue(n int) float64 { return 40 + float64(n%400)/10 }
