package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"plinth"
	"plinth/ledger"
	"plinth/sensors"
)

// LetterState is what became of a dead letter.
type LetterState string

// The states.
const (
	LetterOpen     LetterState = "open"
	LetterReplayed LetterState = "replayed" // its rows are stored
	LetterDropped  LetterState = "dropped"  // a person decided that nothing of it is needed
)

// Letter is a stored dead letter.
type Letter struct {
	DeadLetter
	ID    string
	State LetterState
	Act   string // the act that closed it; empty while it is open
}

// Whole tells whether the letter's input was kept to its end, so that it can be sent again.
func (l *Letter) Whole() bool { return l.Count <= 1 && l.Size <= uint64(len(l.Payload)) }

// LetterFilter narrows; zero fields do not.
type LetterFilter struct {
	IDs                             []string
	Run                             plinth.RunID
	Pipeline, Source, Field, Reason string
	Device                          plinth.DeviceID
	State                           LetterState
	From, To                        time.Time
}

// Narrow tells whether f names anything at all.
func (f *LetterFilter) Narrow() bool {
	return len(f.IDs) > 0 || f.Run != "" || f.Pipeline != "" || f.Source != "" || f.Field != "" || f.Reason != "" ||
		f.Device != "" || !f.From.IsZero() || !f.To.IsZero()
}

// LetterAct is what a person did about letters.
type LetterAct struct {
	ID      string
	State   LetterState
	Letters []string
	Rows    int64
	Reason  string
	By      plinth.AccountID
	Name    string
	At      time.Time
	Record  uuid.UUID

	Evidence string // how far the record has come
}

// Letters reads and marks the stored letters.
type Letters interface {
	// Letters returns those of a filter with their whole payload, the oldest first.
	Letters(ctx context.Context, f LetterFilter, limit int) ([]Letter, error)
	// MarkLetters notes the state that an act gave its letters. It is durable when it returns, and harmless when repeated.
	MarkLetters(ctx context.Context, a LetterAct) error
}

// LetterActs keeps what was done. Each call is one transaction, durable when it returns.
type LetterActs interface {
	// AddLetterAct writes a with its record.
	AddLetterAct(ctx context.Context, a LetterAct, rec ledger.Record) error
	// UnmarkedLetterActs returns acts whose letters are not marked yet, and MarkedLetterAct notes that an act's are.
	UnmarkedLetterActs(ctx context.Context) ([]LetterAct, error)
	MarkedLetterAct(ctx context.Context, id string) error
}

// MaxLetters is how many letters one call takes.
const MaxLetters = 1_000

// Again is a letter that was refused again, or that cannot be sent again.
type Again struct{ ID, Field, Reason string }

// Outcome is what an act on letters came to.
type Outcome struct {
	Taken, Closed int
	Rows          int64
	More          bool // further letters match
	Again         []Again
	Act           LetterAct
}

// LetterDesk is where dead letters are replayed and dropped. A replay goes through the same code as the input did when it
// came; a letter is marked only after its rows are stored, and the act is recorded before it is marked.
type LetterDesk struct {
	Letters  Letters
	Acts     LetterActs
	Stream   Stream    // as the streams' own: registry, watch, sink, rules
	Follower Follower  // nil when nobody decides on readings
	Importer *Importer // nil when files cannot be replayed
	Mappings func() map[string]*Mapping
	Declared func(ctx context.Context, id string) (Pipeline, error) // nil: only files, which are called as their mapping
	Now      func() time.Time
}

// Drop closes open letters.
func (d *LetterDesk) Drop(ctx context.Context, by plinth.Principal, f LetterFilter, reason string) (Outcome, error) {
	ls, out, err := d.take(ctx, f, reason)
	if err != nil || len(ls) == 0 {
		return out, err
	}
	return d.close(ctx, by, ls, LetterDropped, reason, out)
}

// Replay sends open letters again. With a payload there is exactly one, and the payload is sent in its place.
func (d *LetterDesk) Replay(ctx context.Context, by plinth.Principal, f LetterFilter, payload *string, reason string) (Outcome, error) {
	if payload != nil && len(f.IDs) != 1 {
		return Outcome{}, plinth.Invalid("payload", "a payload is sent in place of exactly one letter, named by its id")
	}
	if payload != nil && (*payload == "" || len(*payload) > MaxDeadPayload) {
		return Outcome{}, plinth.Invalid("payload", "a payload has 1 to %d bytes", MaxDeadPayload)
	}
	ls, out, err := d.take(ctx, f, reason)
	if err != nil {
		return out, err
	}
	var done []Letter
	for i := range ls {
		l := &ls[i]
		if payload != nil {
			l.Payload, l.Size, l.Count = *payload, uint64(len(*payload)), 1
		}
		rows, again, err := d.send(ctx, l)
		if err != nil {
			return out, err
		}
		if again != nil {
			out.Again = append(out.Again, *again)
			continue
		}
		out.Rows += rows
		done = append(done, *l)
	}
	if len(done) == 0 {
		return out, nil
	}
	return d.close(ctx, by, done, LetterReplayed, reason, out)
}

func (d *LetterDesk) take(ctx context.Context, f LetterFilter, reason string) ([]Letter, Outcome, error) {
	var out Outcome
	switch {
	case strings.TrimSpace(reason) == "" || len(reason) > maxReason:
		return nil, out, plinth.Invalid("reason", "say why, in at most %d bytes", maxReason)
	case !f.Narrow():
		return nil, out, plinth.Invalid("filter", "name ids, or at least one field of the filter")
	case len(f.IDs) > MaxLetters:
		return nil, out, plinth.Invalid("ids", "at most %d letters are taken in one call", MaxLetters)
	}
	f.State = LetterOpen
	ls, err := d.Letters.Letters(ctx, f, MaxLetters+1)
	if err != nil {
		return nil, out, err
	}
	if out.More = len(ls) > MaxLetters; out.More {
		ls = ls[:MaxLetters]
	}
	out.Taken = len(ls)
	return ls, out, nil
}

// close records the act and then marks its letters. When marking fails, Mend does it later.
func (d *LetterDesk) close(ctx context.Context, by plinth.Principal, ls []Letter, state LetterState, reason string, out Outcome) (Outcome, error) {
	a := LetterAct{ID: plinth.NewID("dla"), State: state, Rows: out.Rows, Reason: strings.TrimSpace(reason), By: by.Account, Name: by.Name,
		At: d.Now().UTC().Truncate(time.Millisecond)}
	for _, l := range ls {
		a.Letters = append(a.Letters, l.ID)
	}
	payload, err := json.Marshal(map[string]any{"act": a.ID, "state": a.State, "letters": a.Letters, "rows": a.Rows, "reason": a.Reason, "by": a.By})
	if err != nil {
		return out, err
	}
	rec := actRecord("deadletter."+string(state), "deadletters:"+a.ID, by, a.At, payload, uuid.Nil)
	a.Record = rec.ID
	if err := d.Acts.AddLetterAct(ctx, a, rec); err != nil {
		return out, err
	}
	out.Act, out.Closed = a, len(ls)
	return out, d.mark(ctx, a)
}

func (d *LetterDesk) mark(ctx context.Context, a LetterAct) error {
	if err := d.Letters.MarkLetters(ctx, a); err != nil {
		return plinth.Errorf(plinth.ErrUnavailable, "the act is recorded; its letters will be marked when the store is back").Because(err)
	}
	return d.Acts.MarkedLetterAct(ctx, a.ID)
}

// Mend marks the letters of acts that were cut off between record and mark.
func (d *LetterDesk) Mend(ctx context.Context) error {
	acts, err := d.Acts.UnmarkedLetterActs(ctx)
	if err != nil {
		return err
	}
	for _, a := range acts {
		if err := d.mark(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// send sends one letter through the code that refused it. It returns the rows stored, or why it is refused again.
func (d *LetterDesk) send(ctx context.Context, l *Letter) (int64, *Again, error) {
	switch {
	case !l.Whole():
		return 0, &Again{l.ID, "payload", "not all of the input was kept; give the payload anew, or drop the letter"}, nil
	case l.Row == 0 && strings.HasPrefix(l.Source, "plinth/v1/"):
		return d.sendMessage(ctx, l)
	}
	m, err := d.mapping(ctx, l.Pipeline)
	if err != nil {
		return 0, nil, err
	}
	if d.Importer != nil && m != nil {
		return d.sendRow(ctx, l, m)
	}
	return 0, &Again{l.ID, "source", "its sender was told at once and can send it again; it cannot be replayed here"}, nil
}

// mapping is what reads the rows of a pipeline; nil when it has none.
func (d *LetterDesk) mapping(ctx context.Context, pipeline string) (*Mapping, error) {
	if m := d.Mappings()[pipeline]; m != nil || d.Declared == nil {
		return m, nil
	}
	p, err := d.Declared(ctx, pipeline)
	if errors.Is(err, plinth.ErrNotFound) {
		return nil, nil
	}
	return d.Mappings()[p.Mapping], err
}

// sendMessage decodes, judges, stores and tells a message as its stream does.
func (d *LetterDesk) sendMessage(ctx context.Context, l *Letter) (int64, *Again, error) {
	s := d.Stream
	s.Domain, s.Run, s.poison = l.Pipeline, l.Run, quota{}
	heard := &deadEnd{Sink: s.Sink}
	s.Sink = heard
	b := &batch{}
	m := &sensors.Message{Topic: l.Source, Payload: []byte(l.Payload), Size: len(l.Payload)}
	if err := s.decodeMessage(b, m, l.At, s.Registry.Lookup(ctx)); err != nil {
		return 0, nil, err
	}
	heard.dead = append(heard.dead, b.dead...)
	b.dead, b.folded = nil, nil
	if len(b.rows) > 0 {
		poison, err := s.insertOnce(ctx, b.rows)
		if err != nil {
			return 0, nil, err
		}
		heard.dead = append(heard.dead, poison...)
	}
	if err := follow(ctx, d.Follower, b.rows); err != nil {
		return 0, nil, err
	}
	s.Meter.replayed(l.Pipeline, len(b.rows))
	return heard.outcome(l, int64(len(b.rows)))
}

// insertOnce inserts rows while the caller waits.
func (s *Stream) insertOnce(ctx context.Context, rs []sensors.Reading) ([]DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, InsertTimeout)
	defer cancel()
	dead, err := s.insertRows(ctx, rs)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, plinth.Errorf(plinth.ErrUnavailable, "the store did not take the rows, try again").Because(err)
	}
	return dead, err
}

// sendRow imports the letter's row, with the header that is kept with it, as its file was imported.
func (d *LetterDesk) sendRow(ctx context.Context, l *Letter, m *Mapping) (int64, *Again, error) {
	heard := &deadEnd{Sink: d.Importer.Sink}
	im := *d.Importer
	im.Sink, im.Runs = heard, unrecorded{}
	run, err := im.Import(ctx, strings.NewReader(l.Payload), m, ImportOptions{Name: l.Source, By: "replay", Pipeline: l.Pipeline})
	var e *plinth.Error
	if errors.As(err, &e) && errors.Is(err, plinth.ErrInvalid) {
		return 0, &Again{l.ID, e.Field, e.Text}, nil
	}
	if err != nil {
		return 0, nil, err
	}
	if run.In == 0 {
		return 0, &Again{l.ID, "payload", "there is no row under the header"}, nil
	}
	return heard.outcome(l, run.Stored+run.Known)
}

// deadEnd is a sink that keeps what would go to dead letters in hand.
type deadEnd struct {
	Sink
	dead []DeadLetter
}

// InsertDeadLetters implements Sink.
func (s *deadEnd) InsertDeadLetters(_ context.Context, ds []DeadLetter) error {
	s.dead = append(s.dead, ds...)
	return nil
}

func (s *deadEnd) outcome(l *Letter, rows int64) (int64, *Again, error) {
	if len(s.dead) > 0 {
		return 0, &Again{l.ID, s.dead[0].Field, s.dead[0].Reason}, nil
	}
	if rows == 0 {
		return 0, &Again{l.ID, "payload", "nothing of it can be stored"}, nil
	}
	return rows, nil, nil
}

// unrecorded keeps no runs: a replay is an act, not a run.
type unrecorded struct{}

// SaveRun implements Runs.
func (unrecorded) SaveRun(context.Context, Run) error { return nil }
