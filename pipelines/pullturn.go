package pipelines

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"plinth"
	"plinth/pipelines/table"
)

// turn is one run of a pull: page after page is asked for, stored, and then noted as read.
type turn struct {
	*Puller
	pl    Pipeline
	e     *Endpoint
	r     *reading
	key   string
	begun time.Time
	state *pulled

	run    Run
	job    *job
	fields int                   // records of this turn that had a cursor
	fresh  map[[32]byte]struct{} // refused on this page, not stored yet
}

// do makes the run. It tells whether the endpoint is known to have more.
func (t *turn) do(ctx context.Context) (more bool, err error) {
	t.run = Run{ID: plinth.RunID(plinth.NewID("run")), Kind: PullRun, Pipeline: t.pl.ID, Source: clip(t.place(), maxLabel),
		StartedBy: "service", Started: t.begun, State: Running}
	t.r.Asked, t.r.NotBefore = t.begun, time.Time{}
	m := t.Mappings()[t.pl.Mapping]
	if m == nil {
		err = plinth.Invalid("mapping", "there is no mapping %q now", t.pl.Mapping)
	} else if err = t.prepare(m); err == nil {
		more, err = t.read(ctx)
	}
	if err != nil && ctx.Err() == nil && (errors.Is(err, plinth.ErrInvalid) || errors.Is(err, plinth.ErrExhausted)) {
		t.r.Next, t.r.Greatest, t.r.Until, t.r.Pages = "", "", time.Time{}, 0 // begin again at the cursor
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), pullRenew)
	defer cancel()
	return more, errors.Join(err, t.finish(ctx, after, err))
}

// place is the endpoint without its query, for people.
func (t *turn) place() string {
	u, _ := url.Parse(t.e.URL) // validate has seen it
	return u.Scheme + "://" + u.Host + u.Path
}

func (t *turn) prepare(m *Mapping) error {
	im := *t.Importer
	im.Runs = eventful{im.Runs}
	t.job = im.job(m, &t.run)
	var err error
	t.job.rows, err = newRowMapper(m, t.run.Source, m.columns())
	return err
}

// eventful saves runs by which something came.
type eventful struct{ Runs }

// SaveRun implements Runs.
func (e eventful) SaveRun(ctx context.Context, r Run) error {
	if r.Stored == 0 && r.Dead == 0 {
		return nil
	}
	return e.Runs.SaveRun(ctx, r)
}

// walk is the way of one run over an endpoint's pages.
type walk struct {
	at     string          // the page that comes next; empty at the end
	begins bool            // at the reading's first page
	n      int             // pages so far
	asked  map[string]bool // pages that were asked for
	before [32]byte        // the digest of the newest
}

// first tells whether the page that is asked for is the reading's first.
func (w *walk) first() bool { return w.begins && w.n == 1 }

// repeats tells whether a page is the one before once more.
func (w *walk) repeats(body []byte) bool {
	sum := sha256.Sum256(body)
	again := w.n > 1 && sum == w.before
	w.before = sum
	return again
}

// read asks for pages until the reading ends, this run has had its share, or the pipeline is paused.
func (t *turn) read(ctx context.Context) (more bool, err error) {
	for w := t.begin(); w.at != ""; {
		if _, paused := t.Importer.Gates.Paused(t.pl.ID); paused {
			return false, nil
		}
		if w.n == pullPages {
			return true, nil
		}
		w.n++
		if more, err = t.step(ctx, w); err != nil {
			return false, err
		}
	}
	return more, nil
}

// begin goes on with the reading's next page, or begins one.
func (t *turn) begin() *walk {
	w := &walk{at: t.r.Next, begins: t.r.Next == "", asked: map[string]bool{}}
	if w.begins {
		w.at = t.e.question(t.r, t.begun)
	}
	return w
}

// step asks for one page, stores its records, and moves w on.
func (t *turn) step(ctx context.Context, w *walk) (more bool, err error) {
	a, err := t.answer(ctx, w)
	if err != nil {
		return false, err
	}
	if a.Unchanged || a.Missing {
		return t.end(w, a, false)
	}
	records, err := pageRecords(a.Body, t.e.Records)
	if err != nil {
		return false, err
	}
	if w.repeats(a.Body) && t.e.paging() != byLink {
		return t.repeated(w, a, len(records))
	}
	if err := t.page(ctx, records); err != nil {
		return false, err
	}
	return t.turnOver(ctx, w, a, len(records))
}

// answer asks for the page. Only one that is numbered and not the first may be missing: the pages are over then.
func (t *turn) answer(ctx context.Context, w *walk) (Answer, error) {
	w.asked[w.at] = true
	a, err := t.ask(ctx, w.at, w.first())
	if err == nil && a.Missing && (w.first() || t.e.paging() == byLink) {
		err = plinth.Invalid("source.url", "the endpoint has nothing there (404)")
	}
	return a, err
}

// repeated is for an endpoint that does not know of pages: it has said all, or is asked for less at once.
func (t *turn) repeated(w *walk, a Answer, records int) (more bool, err error) {
	again := t.narrow(records)
	if again == "" {
		return t.end(w, a, false)
	}
	*w = walk{at: again, begins: true, asked: w.asked}
	return false, nil
}

// turnOver moves w to the page that follows, and keeps where that is.
func (t *turn) turnOver(ctx context.Context, w *walk, a Answer, records int) (more bool, err error) {
	next, err := t.e.next(w.at, a.Next, records)
	switch {
	case err != nil:
		return false, err
	case next == "":
		t.r.Question = t.asked(w.at)
		return t.end(w, a, w.first() && t.e.paging() == byLink)
	case w.asked[next]:
		return false, plinth.Invalid("paging", "the pages go in a circle: page %d leads back to one before it", t.r.Pages)
	case t.r.Pages >= readingPages:
		return false, plinth.Errorf(plinth.ErrExhausted, "the paging does not end after %d pages", readingPages)
	}
	w.at, t.r.Next = next, next
	return false, t.keep(ctx)
}

// ask asks for a page, again after a while when the endpoint is busy.
func (t *turn) ask(ctx context.Context, at string, begins bool) (Answer, error) {
	a := Ask{URL: at, Secret: t.e.Secret, Timeout: t.e.timeout()}
	if begins && t.r.Question == t.asked(at) {
		a.ETag, a.Modified = t.r.ETag, t.r.Modified
	}
	pause := cmp.Or(t.Pause, time.Second)
	for n := 1; ; n, pause = n+1, 2*pause {
		answer, err := t.Fetcher.Fetch(ctx, a)
		var busy *Busy
		if !errors.As(err, &busy) {
			return answer, err
		}
		wait := max(pause, busy.After)
		if n == pullAttempts || wait > longestPause {
			if busy.After > 0 {
				t.r.NotBefore = t.Now().Add(min(busy.After, longestAfter))
			}
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// asked names a question, so that what an answer was before is not taken for the answer to another.
func (t *turn) asked(at string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", t.pl.Version, at))
	return hex.EncodeToString(sum[:16])
}

// page stores one page's records.
func (t *turn) page(ctx context.Context, records []json.RawMessage) error {
	t.r.Pages++
	t.job.source = clip(fmt.Sprintf("%s page %d", clip(t.place(), maxLabel-20), t.r.Pages), maxLabel)
	t.fresh = map[[32]byte]struct{}{}
	for i, raw := range records {
		if err := t.record(ctx, uint64(i+1), raw); err != nil {
			return err
		}
		t.run.In++
	}
	if err := t.job.flush(ctx); err != nil {
		return err
	}
	if t.state.refused == nil || len(t.state.refused)+len(t.fresh) > maxRefused {
		t.state.refused = map[[32]byte]struct{}{}
	}
	for sum := range t.fresh {
		t.state.refused[sum] = struct{}{}
	}
	return nil
}

// record takes one record, and its cursor.
func (t *turn) record(ctx context.Context, row uint64, raw json.RawMessage) error {
	j, dead := t.job, len(t.job.dead)
	tree, bad := pageRecord(raw)
	if bad != nil {
		j.refuse(row, *bad, j.rows.asLine(j.rows.header)+string(raw))
		t.seen(dead)
		return nil
	}
	if f := t.e.cursorField(); f != "" {
		if v := strings.TrimSpace(fieldOf(tree, f)); t.e.scale().valid(v) {
			t.fields++
			v = t.e.scale().clamp(v, t.begun)
			if t.e.scale().compare(v, t.r.Greatest) > 0 {
				t.r.Greatest = v
			}
		}
	}
	if err := j.take(ctx, row, table.Record(tree, j.rows.header)); err != nil {
		return err
	}
	t.seen(dead)
	return nil
}

// seen takes a dead letter away that is there already: a record in the overlap is refused each time it is asked for.
func (t *turn) seen(before int) {
	j := t.job
	if len(j.dead) == before {
		return
	}
	l := &j.dead[before]
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", l.Field, l.Reason, l.Payload))
	if _, there := t.state.refused[sum]; there {
		j.dead = j.dead[:before]
		t.run.Known++
		return
	}
	t.fresh[sum] = struct{}{}
}

// narrow halves the window when an endpoint that knows no pages gave as many requests as it gives at once: then there
// may be more of them. It returns the question to ask in place of the one before; empty when nothing need be asked.
func (t *turn) narrow(records int) string {
	if t.e.Format != formatOpen311 || records < cmp.Or(t.e.PageSize, open311Most) {
		return ""
	}
	begin := t.e.begin(t.r, t.begun)
	half := t.r.Until.Sub(begin) / 2
	if half < time.Second {
		return ""
	}
	*t.r = reading{Cursor: t.r.Cursor, Asked: t.r.Asked, Until: begin.Add(half).Truncate(time.Second)}
	return t.e.question(t.r, t.begun)
}

// open311Most is how many requests GeoReport v2 gives at once.
const open311Most = 1000

// end notes the reading's end. Whether an answer is as before can only be asked of one that was whole.
func (t *turn) end(w *walk, a Answer, whole bool) (more bool, err error) {
	w.at = ""
	more = t.e.end(t.r, t.begun)
	if !a.Unchanged {
		t.r.ETag, t.r.Modified = "", ""
	}
	if whole {
		t.r.ETag, t.r.Modified = a.ETag, a.Modified
	}
	if t.e.cursorField() != "" && t.run.In > 0 && t.fields == 0 {
		return false, plinth.Invalid("source.cursor_field", "no record has a %s in %s: the cursor stays where it is", t.e.scale(), t.e.cursorField())
	}
	return more, nil
}

func (t *turn) keep(ctx context.Context) error {
	return t.Marks.SetMark(ctx, t.pl.ID, t.key, t.r.mark())
}

// finish saves the run, and how far the endpoint is read: the rows are stored by then. Runs without anything new are one.
func (t *turn) finish(ctx, after context.Context, err error) error {
	t.run.State, t.run.Ended = Done, t.Now()
	if err != nil && ctx.Err() == nil {
		t.run.State, t.run.Error = Failed, pullSentence(err)
	}
	r := t.run
	if q := &t.state.quiet; q.ID != "" && r.Stored+r.Dead == 0 && q.State == r.State && q.Error == r.Error {
		q.In, q.Known, q.Ended = q.In+r.In, q.Known+r.Known, r.Ended
		r = *q
	}
	t.state.quiet = Run{}
	if r.Stored+r.Dead == 0 {
		t.state.quiet = r
	}
	saved := t.Importer.Runs.SaveRun(after, r)
	if errors.Is(context.Cause(ctx), errLeaseLost) {
		return saved // the mark is another's
	}
	return errors.Join(saved, t.keep(after))
}

// pullSentence is what a caller may read of err.
func pullSentence(err error) string {
	var e *plinth.Error
	if errors.As(err, &e) {
		return clip(e.Error(), 1000)
	}
	return "the endpoint could not be read to its end"
}
