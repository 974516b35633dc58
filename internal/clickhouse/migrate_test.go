package clickhouse_test

import "testing"

func TestMigrateAppliesEachFileOnce(t *testing.T) {
	db := open(t)
	for range 2 {
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var applied, distinct uint64
	if err := db.QueryRow(t.Context(), "SELECT count(), uniqExact(version_id) FROM migration WHERE version_id > 0").Scan(&applied, &distinct); err != nil {
		t.Fatal(err)
	}
	if applied == 0 || applied != distinct {
		t.Errorf("got %d rows of %d versions, want one row for each version", applied, distinct)
	}
}
