package clickhouse

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"plinth"
)

// ServiceUser is the login that the service works as, with the role r_svc.
const ServiceUser = "svc"

// ReaderPrefix begins the login of a scope's reader.
const ReaderPrefix = "q_"

// database is where the service's own tables live.
const serviceDatabase = "plinth"

// Scope is what one grant lets be read: the database s_<name> with views, the role r_<name> and the login q_<name> that
// read nothing else, and the definer def_<name> whose column grants and row filters the views run under. A scope does
// not change; a changed grant is a new one.
type Scope struct {
	Name   string       `json:"name"`
	Tables []ScopeTable `json:"tables"`
}

// ScopeTable is one base table as a scope shows it. The row filter holds beneath the view whatever the view says, so
// View's Select may repeat it but need not. A table without a View is only read by the other views' Selects, e.g. the
// key of a mask.
type ScopeTable struct {
	View    string   `json:"view"`
	Base    string   `json:"base"`    // "event" or "plinth.event"
	Columns []string `json:"columns"` // of the base, that the definer may read
	Filter  string   `json:"filter"`  // on the base's rows, in SQL; "1" for all rows, never empty
	Select  string   `json:"select"`  // the view's text
}

// Database, Role, Reader and Definer are the names of the scope's objects.
func (s Scope) Database() string { return "s_" + s.Name }
func (s Scope) Role() string     { return "r_" + s.Name }
func (s Scope) Reader() string   { return ReaderPrefix + s.Name }
func (s Scope) Definer() string  { return "def_" + s.Name }

// Equal tells whether two scopes are the same in every text.
func (s Scope) Equal(t Scope) bool { return reflect.DeepEqual(s, t) }

var (
	scopeName  = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,47}$`)
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
)

// ValidScopeName tells whether a scope may have that name, which becomes part of the names of its objects.
func ValidScopeName(name string) bool { return scopeName.MatchString(name) && name != "svc" }

// Validate checks names and presence; the texts are checked by the engine's own parser when the scope is applied.
func (s Scope) Validate() error {
	if !ValidScopeName(s.Name) {
		return plinth.Invalid("name", "a scope's name is 1 to 48 of a-z, 0-9 and _, and not svc; got %.64q", s.Name)
	}
	if len(s.Tables) == 0 {
		return plinth.Invalid("tables", "scope %s has no table", s.Name)
	}
	seen := map[string]bool{}
	for i, t := range s.Tables {
		field := fmt.Sprintf("tables[%d]", i)
		if err := t.validate(field); err != nil {
			return err
		}
		db, table := t.BaseName()
		// The engine ORs a user's filters on one table, so two would widen each other.
		if seen[db+"."+table] {
			return plinth.Invalid(field+".base", "scope %s names the base %s twice", s.Name, t.Base)
		}
		seen[db+"."+table] = true
	}
	return nil
}

// ValidateScopes checks each scope, and that no name comes twice.
func ValidateScopes(scopes []Scope) error {
	seen := map[string]bool{}
	for _, s := range scopes {
		if err := s.Validate(); err != nil {
			return err
		}
		if seen[s.Name] {
			return plinth.Invalid("name", "there are two scopes %s", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

func (t ScopeTable) validate(field string) error {
	db, table := t.BaseName()
	switch {
	case db != serviceDatabase || !identifier.MatchString(table):
		return plinth.Invalid(field+".base", "the base is a table of the database %s; got %.64q", serviceDatabase, t.Base)
	case t.View != "" && !identifier.MatchString(t.View):
		return plinth.Invalid(field+".view", "the view's name is not a word: %.64q", t.View)
	case t.View != "" && strings.TrimSpace(t.Select) == "":
		return plinth.Invalid(field+".select", "the view %s has no query", t.View)
	case strings.TrimSpace(t.Filter) == "":
		return plinth.Invalid(field+".filter", "the filter is empty, which would show all rows; write 1 to mean that")
	case len(t.Columns) == 0:
		return plinth.Invalid(field+".columns", "no column is granted")
	}
	for i, c := range t.Columns {
		if !identifier.MatchString(c) {
			return plinth.Invalid(fmt.Sprintf("%s.columns[%d]", field, i), "the column's name is not a word: %.64q", c)
		}
	}
	return nil
}

// BaseName splits the base into database and table.
func (t ScopeTable) BaseName() (db, table string) {
	if db, table, ok := strings.Cut(t.Base, "."); ok {
		return db, table
	}
	return serviceDatabase, t.Base
}

// Hash names the scope's whole content. It is the comment of the scope's database, so that one can see whether the views
// are those of this scope or of an older one of the same name.
func (s Scope) Hash() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and slices of strings always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// CreateStatements make the scope's database and views; the definer must exist. They change nothing that exists.
func (s Scope) CreateStatements() []string {
	out := []string{fmt.Sprintf("CREATE DATABASE IF NOT EXISTS %s ENGINE = Atomic COMMENT '%s'", s.Database(), s.Hash())}
	for _, t := range s.Tables {
		if t.View != "" {
			out = append(out, fmt.Sprintf("CREATE VIEW IF NOT EXISTS %s.%s DEFINER = %s SQL SECURITY DEFINER AS %s",
				s.Database(), t.View, s.Definer(), t.Select))
		}
	}
	return out
}

// ReaderPassword derives the password of a scope's reader from the service's own, so that both sides know it and
// nothing is stored or sent.
func ReaderPassword(service, scope string) string {
	m := hmac.New(sha256.New, []byte(service))
	m.Write([]byte("plinth reader v1\n" + scope))
	return hex.EncodeToString(m.Sum(nil))
}

// EmbeddedEngine is how the embedded engine names itself on /access; a ClickHouse server has no such path.
const EmbeddedEngine = "plinth-embedded"

// AccessList is the answer of GET /access.
type AccessList struct {
	Engine string   `json:"engine"`
	Scopes []string `json:"scopes"`
}
