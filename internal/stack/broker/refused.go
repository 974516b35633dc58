package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Refused tells what the broker did not let a user do, how often since it was told last. MQTT 3.1.1 cannot say no to a
// publisher (§3.3.5): the message is acknowledged and dropped, so that this is the only trace of it.
type Refused struct {
	At    time.Time `json:"at"`
	What  string    `json:"what"` // "publish", "subscribe", "sign in", "client id", "size"
	User  string    `json:"user"`
	Topic string    `json:"topic,omitempty"` // or the client id
	N     int64     `json:"n"`
}

// Bounds of what is remembered between two writings, and of what is written while nobody reads.
const (
	mostRefused = 1000
	mostFiles   = 600
	othersName  = "(others)"
)

// refusals counts what was refused and writes it to a folder, a file at a time, for the service to take.
type refusals struct {
	dir string // "" only logs
	log *slog.Logger

	mu    sync.Mutex
	fresh map[Refused]int64
	total map[Refused]int64 // for the log's pace
}

func newRefusals(dir string, log *slog.Logger) *refusals {
	return &refusals{dir: dir, log: log, fresh: map[Refused]int64{}, total: map[Refused]int64{}}
}

// note counts one refusal, and logs it the 1st, 2nd, 4th … time.
func (r *refusals) note(what, user, topic string) {
	key := Refused{What: what, User: clip(user), Topic: clip(topic)}
	r.mu.Lock()
	if _, known := r.fresh[key]; !known && len(r.fresh) >= mostRefused {
		key = Refused{What: what, User: othersName}
	}
	if _, known := r.total[key]; !known && len(r.total) >= mostRefused {
		clear(r.total)
	}
	r.fresh[key]++
	r.total[key]++
	n := r.total[key]
	r.mu.Unlock()
	if n&(n-1) == 0 {
		r.log.Warn("refused", "what", what, "user", key.User, "topic", key.Topic, "so far", n)
	}
}

func clip(s string) string {
	const most = 128
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

// flush writes what was refused since the last time. What cannot be written now is written later.
func (r *refusals) flush(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" || len(r.fresh) == 0 {
		return
	}
	if files, err := os.ReadDir(r.dir); err == nil && len(files) >= mostFiles {
		return
	}
	var out []Refused
	for k, n := range r.fresh {
		k.At, k.N = now.UTC(), n
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Refused) int { return strings.Compare(a.What+a.User+"\n"+a.Topic, b.What+b.User+"\n"+b.Topic) })
	if err := writeRefused(r.dir, now, out); err != nil {
		r.log.Warn("refusals not written", "err", err)
		return
	}
	clear(r.fresh)
}

func writeRefused(dir string, now time.Time, out []Refused) error {
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := filepath.Join(dir, strconv.FormatInt(now.UnixNano(), 10))
	if err := os.WriteFile(name+".part", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name+".json")
}

// TakeRefused hands the written refusals to use, oldest first, and removes what it took. What use fails for stays.
func TakeRefused(dir string, use func([]Refused) error) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read refusals: %w", err)
	}
	for _, f := range files { // in order of their names, which are times
		path := filepath.Join(dir, f.Name())
		if filepath.Ext(path) != ".json" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read refusals: %w", err)
		}
		var rs []Refused
		if err := json.Unmarshal(data, &rs); err == nil {
			if err := use(rs); err != nil {
				return err
			}
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove refusals: %w", err)
		}
	}
	return nil
}

// violation is how nats-server logs what a client may not do; the number is the connection's. Of a message that is too
// large it knows no topic, since it does not read it.
var violation = regexp.MustCompile(`\bmid(?:_ws)?:(\d+).* - (?:(Publish|Subscription) Violation - Subject ("(?:[^"\\]|\\.)*")|` +
	regexp.QuoteMeta(server.ErrMaxPayload.Error()) + `: \d+ vs \d+)`)

// violationOf reads a line of nats-server's log.
func violationOf(line string) (id uint64, what, topic string, ok bool) {
	m := violation.FindStringSubmatch(line)
	if m == nil {
		return 0, "", "", false
	}
	id, err := strconv.ParseUint(m[1], 10, 64)
	if err != nil {
		return 0, "", "", false
	}
	if m[2] == "" {
		return id, "size", "", true
	}
	subject, err := strconv.Unquote(m[3])
	what = map[string]string{"Publish": "publish", "Subscription": "subscribe"}[m[2]]
	return id, what, strings.NewReplacer(".", "/", "*", "+", ">", "#").Replace(subject), err == nil
}
