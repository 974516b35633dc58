package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"plinth"
)

// Durability is what the rows of an insert have reached when it returns, and the message that brought them is
// acknowledged.
type Durability string

const (
	// Standard: the rows are a part of the table, in files that the kernel holds. They outlive the engine's death by any
	// signal; a loss of power may take the last seconds.
	Standard Durability = "standard"
	// Fsync: the part's files and its folder are synced to the disk too. They outlive a loss of power, if the disk keeps
	// its word.
	Fsync Durability = "fsync"
	// Quorum: more than half of the table's replicas have the rows. It needs replicated tables.
	Quorum Durability = "quorum"
)

// Validate tells whether d is one of the modes.
func (d Durability) Validate() error {
	switch d {
	case "", Standard, Fsync, Quorum:
		return nil
	}
	return plinth.Invalid("clickhouse.durability", "durability is standard, fsync or quorum, not %.32q", string(d))
}

// settings are those of every insert.
func (d Durability) settings() ch.Settings {
	// Clocks that are off spread a block over many months; the limit of 100 would refuse the good rows with them.
	// Over a cluster an insert must not return before the shards have it.
	s := ch.Settings{"max_partitions_per_insert_block": 0, "distributed_foreground_insert": 1}
	if d == Quorum {
		maps.Copy(s, ch.Settings{"insert_quorum": "auto", "insert_quorum_parallel": 1, "insert_quorum_timeout": 8000})
	}
	return s
}

// synced are the settings of a table that make Fsync (MergeTree settings, so they belong to the table).
const synced = "fsync_after_insert = 1, fsync_part_directory = 1"

// tables are those whose inserts are acknowledged to someone.
var tables = []string{"reading", "event", "dead_letter"}

// EnsureDurability has the tables follow the mode, or refuses it when they cannot. It runs after Migrate. What a merge
// makes of synced parts is not synced itself; the engine keeps the parts for minutes after it, as long as kernels need.
func (db *DB) EnsureDurability(ctx context.Context) error {
	d := db.cfg.Durability
	if err := d.Validate(); err != nil {
		return err
	}
	for _, table := range tables {
		engine, err := db.engineOf(ctx, table)
		if err != nil {
			return err
		}
		if err := d.possible(table, engine); err != nil {
			return err
		}
		if err := db.sync(ctx, table, engine); err != nil {
			return fmt.Errorf("set the durability of %s: %w", table, err)
		}
	}
	return nil
}

// engineOf is the engine of a table; of a distributed one, that of the tables behind it.
func (db *DB) engineOf(ctx context.Context, table string) (string, error) {
	var engine string
	err := db.QueryRow(ctx, `SELECT engine FROM system.tables WHERE database = 'plinth' AND name IN ({t:String}, concat({t:String}, '_local'))
		ORDER BY name DESC LIMIT 1`, Param("t", table)).Scan(&engine)
	if err != nil {
		return "", fmt.Errorf("look at the engine of %s: %w", table, translate(err))
	}
	return engine, nil
}

// possible refuses a mode that a table of the engine cannot have.
func (d Durability) possible(table, engine string) error {
	replicated := strings.HasPrefix(engine, "Replicated")
	switch {
	case d == Quorum && !replicated:
		return plinth.Invalid("clickhouse.durability", "a quorum needs replicated tables, %s is a %s here, as always in the "+
			"embedded engine: use fsync, or a ClickHouse cluster", table, engine)
	case d == Fsync && replicated:
		return plinth.Invalid("clickhouse.durability", "the tables of a cluster are made by its operator: use quorum, or give "+
			"them %s there and use standard", synced)
	}
	return nil
}

// sync turns syncing on or off where it differs. The tables of a cluster are its operator's.
func (db *DB) sync(ctx context.Context, table, engine string) error {
	if strings.HasPrefix(engine, "Replicated") {
		return nil
	}
	var on bool
	err := db.QueryRow(ctx, `SELECT create_table_query LIKE '%fsync_after_insert = 1%' FROM system.tables
		WHERE database = 'plinth' AND name = {t:String}`, Param("t", table)).Scan(&on)
	switch {
	case err != nil:
		return err
	case db.cfg.Durability == Fsync && !on:
		return db.Exec(ctx, "ALTER TABLE plinth."+table+" MODIFY SETTING "+synced)
	case db.cfg.Durability != Fsync && on:
		return db.Exec(ctx, "ALTER TABLE plinth."+table+" RESET SETTING fsync_after_insert, fsync_part_directory")
	}
	return nil
}
