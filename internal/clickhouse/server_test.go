package clickhouse_test

import (
	"testing"

	"plinth/internal/clickhouse"
)

// The embedded engine runs no access statements, but its parser is the server's.
func TestServerStatementsParse(t *testing.T) {
	db := open(t)
	s := scope("a", "A")
	s.Tables = append(s.Tables, clickhouse.ScopeTable{Base: "mask_key", Columns: []string{"k"}, Filter: "scope = 'a'"})
	for _, sql := range clickhouse.ServerStatements(s, clickhouse.ReaderPassword("secret", "a")) {
		var formatted string
		if err := db.QueryRow(t.Context(), "SELECT formatQuerySingleLine({q:String})", clickhouse.Param("q", sql)).Scan(&formatted); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
