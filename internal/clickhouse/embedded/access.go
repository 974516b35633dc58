package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"plinth/internal/clickhouse"
)

// grace is how long running statements may go on when the engine must close for new rights.
const grace = 3 * time.Second

// maxAccess bounds the body of a change of rights.
const maxAccess = 16 << 20

// access keeps who may read what: the scopes, on disk and in the engine. A change is whole or not at all.
type access struct {
	e    *engine
	file string
	log  *slog.Logger

	change sync.Mutex // one change at a time
	mu     sync.RWMutex
	scopes []clickhouse.Scope // in force, sorted by name
}

func newAccess(e *engine, log *slog.Logger) *access {
	return &access{e: e, file: filepath.Join(e.dir, "access.json"), log: log}
}

func (a *access) has(scope string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.ContainsFunc(a.scopes, func(s clickhouse.Scope) bool { return s.Name == scope })
}

func (a *access) list() []clickhouse.Scope {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.scopes)
}

func (a *access) set(scopes []clickhouse.Scope) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scopes = scopes
}

// load reads the scopes of the last run.
func (a *access) load() error {
	b, err := os.ReadFile(a.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var scopes []clickhouse.Scope
	if err := json.Unmarshal(b, &scopes); err != nil {
		return fmt.Errorf("read %s: %w", a.file, err)
	}
	a.set(scopes)
	return nil
}

func (a *access) save(scopes []clickhouse.Scope) error {
	b, err := json.MarshalIndent(scopes, "", " ")
	if err != nil {
		return err
	}
	return writeFile(a.file, string(b))
}

// start boots the engine with the scopes of the last run and makes its views what they should be; a crash may have
// come between a change's steps.
func (a *access) start() error {
	if err := a.load(); err != nil {
		return err
	}
	scopes := a.list()
	if err := a.e.boot(usersXML(scopes)); err != nil {
		return err
	}
	return a.converge(scopes)
}

// apply makes exactly these scopes exist. On any fault the old ones are in force again.
func (a *access) apply(scopes []clickhouse.Scope) error {
	a.change.Lock()
	defer a.change.Unlock()
	if err := clickhouse.ValidateScopes(scopes); err != nil {
		return exceptionf(36, "BAD_ARGUMENTS", "%s", err)
	}
	scopes = slices.Clone(scopes)
	slices.SortFunc(scopes, func(x, y clickhouse.Scope) int { return strings.Compare(x.Name, y.Name) })
	old := a.list()
	if slices.EqualFunc(old, scopes, clickhouse.Scope.Equal) {
		return nil
	}
	if err := a.check(scopes); err != nil {
		return err
	}
	began := time.Now()
	defer a.e.drain(grace)()
	err := a.switchTo(scopes)
	if err == nil {
		err = a.save(scopes)
	}
	if err != nil {
		a.restore(old)
		return err
	}
	a.set(scopes)
	a.log.Info("rights changed", "scopes", len(scopes), "took", time.Since(began))
	return nil
}

// restore puts the old scopes in force again. If even that fails, no reader is admitted and the process ends: a fresh
// start builds everything from what was last saved.
func (a *access) restore(old []clickhouse.Scope) {
	if err := a.switchTo(old); err != nil {
		a.set(nil)
		a.e.broken <- fmt.Errorf("restore rights after a refused change: %w", err)
	}
}

// check has the engine's parser read every text of the scopes before anything is touched.
func (a *access) check(scopes []clickhouse.Scope) error {
	a.e.admit.RLock()
	defer a.e.admit.RUnlock()
	s, err := a.e.session(serviceRole, "plinth:access")
	if err != nil {
		return err
	}
	defer s.close()
	for _, scope := range scopes {
		for _, t := range scope.Tables {
			if err := checkTable(s, scope, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTable refuses a filter that is not one expression and a view that is not one query. The filter must parse both
// bare, where it cannot close a bracket that it did not open, and in brackets, where it cannot go on to other clauses.
func checkTable(s *session, scope clickhouse.Scope, t clickhouse.ScopeTable) error {
	db, table := t.BaseName()
	from := fmt.Sprintf("SELECT %s FROM %s.%s WHERE ", strings.Join(t.Columns, ", "), db, table)
	texts := [][2]string{{"filter", from + t.Filter}, {"filter", from + "(" + t.Filter + "\n)"}}
	if t.View != "" {
		texts = append(texts, [2]string{"select", t.Select})
	}
	for _, text := range texts {
		if err := checkQuery(s, text[1]); err != nil {
			return exceptionf(asException(err).Code, "BAD_ARGUMENTS", "scope %s, base %s, %s: %s", scope.Name, t.Base, text[0], err)
		}
	}
	return nil
}

func checkQuery(s *session, sql string) error {
	class, err := gate(s, service, sql)
	if err != nil {
		return err
	}
	if class != classRead {
		return exceptionf(62, "SYNTAX_ERROR", "it is not a query")
	}
	_, err = s.text("DESCRIBE (" + sql + "\n)")
	return err
}

// switchTo closes the engine, boots it with the new users, makes the views and proves that the locks hold. The caller
// holds admission for writing.
func (a *access) switchTo(to []clickhouse.Scope) error {
	if err := a.e.shut(); err != nil {
		return err
	}
	if err := a.e.boot(usersXML(to)); err != nil {
		return err
	}
	if err := a.converge(to); err != nil {
		return err
	}
	return a.verify(to)
}

// converge drops the databases of scopes that are gone or changed and makes what is missing.
func (a *access) converge(to []clickhouse.Scope) error {
	keep := map[string]string{}
	for _, s := range to {
		keep[s.Database()] = s.Hash()
	}
	out, err := a.e.root.text("SELECT name, comment FROM system.databases WHERE startsWith(name, 's_')")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		name, hash, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if want, ok := keep[name]; ok && want == hash {
			continue
		}
		if _, err := a.e.root.text("DROP DATABASE " + name + " SYNC"); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
	}
	for _, s := range to {
		for _, sql := range s.CreateStatements() {
			if _, err := a.e.root.text(sql); err != nil {
				return fmt.Errorf("create scope %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// verify proves for each scope that its role stands alone, that the engine holds a row filter for each base, and that
// the base and another scope are refused.
func (a *access) verify(scopes []clickhouse.Scope) error {
	for i, s := range scopes {
		if err := a.verifyFilters(s); err != nil {
			return err
		}
		other := scopes[(i+1)%len(scopes)]
		if err := a.verifyReader(s, other); err != nil {
			return fmt.Errorf("scope %s: %w", s.Name, err)
		}
	}
	return nil
}

// verifyFilters looks at the scope's own bases alone: the engine gives every user the filter 1 on a base that only other
// users' scopes filter, and that user may read nothing of it.
func (a *access) verifyFilters(s clickhouse.Scope) error {
	for _, t := range s.Tables {
		db, table := t.BaseName()
		out, err := a.e.root.text(`SELECT select_filter FROM system.row_policies
			WHERE short_name = {user:String} AND database = {database:String} AND table = {table:String}`,
			param{"user", s.Definer()}, param{"database", db}, param{"table", table})
		if err != nil {
			return err
		}
		open := strings.Trim(t.Filter, "() \n") == "1"
		if held := strings.TrimSpace(out); held == "" || held == "1" && !open || strings.Contains(held, "\n") {
			return fmt.Errorf("scope %s: the engine does not hold the row filter on %s", s.Name, t.Base)
		}
	}
	return nil
}

func (a *access) verifyReader(s, other clickhouse.Scope) error {
	r, err := a.e.session(s.Role(), "plinth:verify")
	if err != nil {
		return err
	}
	defer r.close()
	if err := assume(r.rawConn, s.Role()); err != nil {
		return err
	}
	var refused []string
	for _, t := range s.Tables {
		db, table := t.BaseName()
		refused = append(refused, db+"."+table)
		if t.View == "" {
			continue
		}
		if _, err := r.text("SELECT * FROM " + s.Database() + "." + t.View + " LIMIT 0"); err != nil {
			return fmt.Errorf("read view %s: %w", t.View, err)
		}
	}
	if i := slices.IndexFunc(other.Tables, func(t clickhouse.ScopeTable) bool { return t.View != "" }); i >= 0 && other.Name != s.Name {
		refused = append(refused, other.Database()+"."+other.Tables[i].View)
	}
	for _, table := range refused {
		if _, err := r.text("SELECT * FROM " + table + " LIMIT 0"); asExceptionCode(err) != 497 {
			return fmt.Errorf("the engine does not refuse %s (got %v)", table, err)
		}
	}
	return nil
}

func asExceptionCode(err error) int {
	var e *Exception
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// drop withdraws one scope at once: no new statement is admitted, running ones are ended, the views go. The role itself
// stays in the engine, with nothing to read, until the engine next boots. Each step may be done again after a failure.
func (a *access) drop(ctx context.Context, name string) error {
	a.change.Lock()
	defer a.change.Unlock()
	scope := clickhouse.Scope{Name: name}
	rest := slices.DeleteFunc(a.list(), func(s clickhouse.Scope) bool { return s.Name == name })
	a.set(rest)
	if err := a.save(rest); err != nil {
		return err
	}
	withdrawn := exceptionf(394, "QUERY_WAS_CANCELLED", "the scope has been withdrawn")
	if err := a.e.endRole(ctx, scope.Role(), withdrawn); err != nil {
		return err
	}
	a.e.admit.RLock()
	defer a.e.admit.RUnlock()
	s, err := a.e.session(serviceRole, "plinth:access")
	if err != nil {
		return err
	}
	defer s.close()
	_, err = s.text("DROP DATABASE IF EXISTS " + scope.Database() + " SYNC")
	return err
}

func (a *access) serveList(w http.ResponseWriter, _ *http.Request) {
	names := []string{}
	for _, s := range a.list() {
		names = append(names, s.Name)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(clickhouse.AccessList{Engine: clickhouse.EmbeddedEngine, Scopes: names}) // the caller is gone when this fails
}

func (a *access) serveApply(w http.ResponseWriter, r *http.Request) {
	var scopes []clickhouse.Scope
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAccess))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&scopes); err != nil {
		writeException(w, exceptionf(36, "BAD_ARGUMENTS", "the scopes cannot be read: %s", err))
		return
	}
	a.reply(w, a.apply(scopes))
}

func (a *access) serveDrop(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !clickhouse.ValidScopeName(name) {
		writeException(w, exceptionf(36, "BAD_ARGUMENTS", "this is no name of a scope"))
		return
	}
	a.reply(w, a.drop(r.Context(), name))
}

func (a *access) reply(w http.ResponseWriter, err error) {
	if err != nil {
		a.log.Warn("rights not changed", "error", err)
		writeException(w, asException(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
