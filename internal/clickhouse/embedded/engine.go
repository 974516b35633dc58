package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// database is where the service's tables live. The engine's own database "default" also shows the file system, so
// nothing is kept there and no session uses it.
const database = "plinth"

// serviceRole is what the service works as.
const serviceRole = "r_svc"

// engine is the booted library on one folder. Statements share it; changing who may read what closes it for a moment,
// because the engine reads users.xml only when it boots.
type engine struct {
	c      *chdb
	dir    string
	memory int64
	log    *slog.Logger

	admit sync.RWMutex // held for reading by each statement, for writing while the engine is closed and booted again
	root  *rawConn     // keeps the engine booted; owned by whoever holds admit for writing
	open  atomic.Int64 // sessions besides root

	tableFunctions map[string]bool // lower case, those refused to readers; set at the first boot

	broken chan error // the engine cannot go on; the process should end and be started again

	mu      sync.Mutex
	running map[string]*statement
	next    uint64
}

// statement is one that runs, so that it can be ended from outside.
type statement struct {
	id     string
	role   string
	cancel context.CancelCauseFunc
}

func newEngine(c *chdb, dir string, memory int64, log *slog.Logger) *engine {
	return &engine{c: c, dir: dir, memory: memory, log: log, broken: make(chan error, 1), running: map[string]*statement{}}
}

func (e *engine) usersFile() string { return filepath.Join(e.dir, "users.xml") }

// boot opens the engine with the given users. The caller holds admit for writing, or is alone.
func (e *engine) boot(users string) error {
	if err := writeFile(e.usersFile(), users); err != nil {
		return fmt.Errorf("write users.xml: %w", err)
	}
	config := filepath.Join(e.dir, "config.xml")
	if err := writeFile(config, configXML(e.usersFile(), e.memory)); err != nil {
		return fmt.Errorf("write config.xml: %w", err)
	}
	root, err := e.c.dial("--path="+filepath.Join(e.dir, "data"), "--config-file="+config)
	if err != nil {
		return err
	}
	if err := assume(root, serviceRole); err != nil {
		root.close()
		return err
	}
	if _, err := root.text("CREATE DATABASE IF NOT EXISTS " + database + " ENGINE = Atomic"); err != nil {
		root.close()
		return err
	}
	if e.tableFunctions == nil { // they do not change while the process lives, and asking takes long
		if e.tableFunctions, err = refusedTableFunctions(root); err != nil {
			root.close()
			return err
		}
	}
	e.root = root
	return nil
}

// freeTableFunctions read nothing but their arguments.
var freeTableFunctions = []string{"numbers", "numbers_mt", "zeros", "zeros_mt", "generate_series", "values", "view"}

// refusedTableFunctions asks the engine for all others, so that a newer engine's new ones are refused too. A name that is
// an ordinary function as well is left to the grants.
func refusedTableFunctions(r *rawConn) (map[string]bool, error) {
	out, err := r.text("SELECT DISTINCT lower(name) FROM system.table_functions WHERE name NOT IN (SELECT name FROM system.functions)")
	if err != nil {
		return nil, err
	}
	refused := map[string]bool{}
	for name := range strings.FieldsSeq(out) {
		refused[name] = !slices.Contains(freeTableFunctions, name)
	}
	return refused, nil
}

// shut closes the engine. One session left open would keep the old users without a word, so that is an error.
func (e *engine) shut() error {
	if n := e.open.Load(); n != 0 {
		return fmt.Errorf("%d sessions are still open", n)
	}
	if e.root != nil {
		e.root.close()
		e.root = nil
	}
	return nil
}

// assume takes one role and makes sure that it is the only one: a fresh session holds all of them.
func assume(r *rawConn, role string) error {
	if _, err := r.text("SET ROLE " + role); err != nil {
		return err
	}
	held, err := r.text("SELECT currentRoles()")
	if err != nil {
		return err
	}
	if held != "['"+role+"']" {
		return fmt.Errorf("the session holds the roles %s, want %s alone", held, role)
	}
	return nil
}

// sessionDefaults are the library's own defaults undone: they take any word for a query, and drop columns of an insert
// that the table does not have.
var sessionDefaults = []string{"--implicit_select=0", "--allow_introspection_functions=0", "--input_format_skip_unknown_fields=0"}

// session opens a session that holds the role alone. Each statement has its own, so nothing leaks
// from one to the next. Every session of the process comes from here or from boot. The caller holds admit for reading.
func (e *engine) session(role, comment string) (*session, error) {
	if e.root == nil { // a session would boot the engine without its users
		return nil, exceptionf(210, "NETWORK_ERROR", "the engine is closed")
	}
	args := append([]string{"--path=" + filepath.Join(e.dir, "data"), "--log_comment=" + comment}, sessionDefaults...)
	r, err := e.c.dial(args...)
	if err != nil {
		return nil, exceptionf(210, "NETWORK_ERROR", "no session could be opened")
	}
	e.open.Add(1)
	s := &session{rawConn: r, e: e}
	if _, err := r.text("SET ROLE " + role); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// session is a rawConn that the engine counts.
type session struct {
	*rawConn
	e *engine
}

func (s *session) close() {
	s.rawConn.close()
	s.e.open.Add(-1)
}

// begin notes a statement that will run as role, until end is called. Its context ends with ctx, or when the engine
// must close or the role is withdrawn; the engine's work is then killed.
func (e *engine) begin(ctx context.Context, role string) (_ context.Context, st *statement, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	e.next++
	st = &statement{id: "plinth:" + strconv.FormatUint(e.next, 10), role: role, cancel: cancel}
	e.running[st.id] = st
	e.mu.Unlock()
	done, killed := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		e.killUntil(st.id, done)
	})
	return ctx, st, func() {
		close(done)
		if !stop() {
			<-killed // its session must not outlive this statement's admission
		}
		e.mu.Lock()
		delete(e.running, st.id)
		e.mu.Unlock()
		cancel(nil)
	}
}

// killUntil asks the engine to end a statement until it has ended: the first request may come before the engine knows
// of it. It holds no admission of its own, the statement it kills does.
func (e *engine) killUntil(id string, done <-chan struct{}) {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		select {
		case <-done:
			return
		default:
		}
		if err := e.kill(id); err != nil {
			e.log.Warn("statement not killed", "error", err)
		}
		select {
		case <-done:
			return
		case <-time.After(wait):
		}
	}
}

func (e *engine) kill(id string) error {
	s, err := e.session(serviceRole, "plinth:kill")
	if err != nil {
		return err
	}
	defer s.close()
	// ASYNC, since the waiting form was seen to hang.
	_, err = s.text("KILL QUERY WHERE Settings['log_comment'] = {id:String} ASYNC", param{"id", id})
	return err
}

// endRole cancels what runs as role and returns when none is left, or ctx ends.
func (e *engine) endRole(ctx context.Context, role string, cause error) error {
	for {
		if e.cancelAll(role, cause) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// cancelAll cancels the statements of a role, or all for "", and returns how many there were.
func (e *engine) cancelAll(role string, cause error) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, st := range e.running {
		if role == "" || st.role == role {
			st.cancel(cause)
			n++
		}
	}
	return n
}

// drain takes admission for writing: no statement runs any more. What still runs after grace is cancelled.
func (e *engine) drain(grace time.Duration) (release func()) {
	drained := make(chan struct{})
	go func() {
		for wait := grace; ; wait = 50 * time.Millisecond {
			select {
			case <-drained:
				return
			case <-time.After(wait):
				e.cancelAll("", errReopening)
			}
		}
	}()
	e.admit.Lock()
	close(drained)
	return e.admit.Unlock
}

// close waits for statements, ends those that take long, and closes the engine so that everything is on disk.
func (e *engine) close() {
	defer e.drain(2 * time.Second)()
	if err := e.shut(); err != nil {
		e.log.Error("engine not closed", "error", err)
	}
}

var errReopening = exceptionf(394, "QUERY_WAS_CANCELLED", "the rights of the engine are being changed; try again")

func makeDir(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	return nil
}
