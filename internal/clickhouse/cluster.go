package clickhouse

import (
	_ "embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"plinth"
)

// schema is what the migrations make, as the engine itself writes it; see TestSchemaFileIsCurrent.
//
//go:embed schema.sql
var schema string

var (
	clusterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
	tableHead   = regexp.MustCompile(`^CREATE TABLE plinth\.(\w+)\n`)
	tableEngine = regexp.MustCompile(`(?m)^ENGINE = (\w*MergeTree)(?:\((.*)\))?$`)
	tableOrder  = regexp.MustCompile(`(?m)^ORDER BY \(?(.+?)\)?$`)
)

// shardBy is what rows of a table are spread by, where it is less than their whole identity: all rows of a device or a
// case lie in one shard, so that reading them asks one.
var shardBy = map[string]string{"reading": "device", "reading_hour": "device", "shadow_reading": "device", "fusion_log": "incident"}

// ClusterSchema returns the statements that make the service's tables on a cluster of servers, from the same schema that
// the migrations make on one: each table is replicated within a shard and distributed over the shards by its rows'
// identity, so that a row that comes again meets the first. They are run once, before the service starts; it then finds
// every migration done.
func ClusterSchema(cluster string) (string, error) {
	if !clusterName.MatchString(cluster) {
		return "", plinth.Invalid("cluster", "a cluster's name is letters, digits, _ and -, as in system.clusters")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE DATABASE IF NOT EXISTS plinth ON CLUSTER '%s' ENGINE = Atomic;\n", cluster)
	for _, table := range strings.Split(strings.TrimSpace(schema), ";\n") {
		statements, err := clusterTable(cluster, strings.TrimSuffix(strings.TrimSpace(table), ";"))
		if err != nil {
			return "", err
		}
		b.WriteString(statements)
	}
	return b.String() + migrated(), nil
}

// clusterTable turns one CREATE TABLE into its replicated table and the distributed one over it, which has its name.
func clusterTable(cluster, table string) (string, error) {
	table = table[strings.Index(table, "CREATE TABLE"):]
	head, engine, order := tableHead.FindStringSubmatch(table), tableEngine.FindStringSubmatch(table), tableOrder.FindStringSubmatch(table)
	if head == nil || engine == nil || order == nil {
		return "", fmt.Errorf("cluster schema: no table with an engine and an order in %.80q", table)
	}
	name, args := head[1], engine[2]
	if args != "" {
		args = ", " + args
	}
	local := tableHead.ReplaceAllString(table, fmt.Sprintf("CREATE TABLE IF NOT EXISTS plinth.%s_local ON CLUSTER '%s'\n", name, cluster))
	local = tableEngine.ReplaceAllLiteralString(local, fmt.Sprintf("ENGINE = Replicated%s('/clickhouse/tables/{uuid}/{shard}', '{replica}'%s)", engine[1], args))
	by := shardBy[name]
	if by == "" {
		by = order[1]
	}
	return fmt.Sprintf("\n%s;\n\nCREATE TABLE IF NOT EXISTS plinth.%s ON CLUSTER '%s' AS plinth.%s_local\nENGINE = Distributed('%s', 'plinth', '%s_local', cityHash64(%s));\n",
		local, name, cluster, name, cluster, name, by), nil
}

// migrated marks every migration as done.
func migrated() string {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is constant
	}
	rows := []string{"(0, 1)"}
	for _, f := range files {
		number, _, _ := strings.Cut(strings.TrimPrefix(f, "migrations/"), "_")
		n, err := strconv.Atoi(number)
		if err != nil {
			panic(err) // goose refuses such a name too
		}
		rows = append(rows, fmt.Sprintf("(%d, 1)", n))
	}
	return fmt.Sprintf("\nINSERT INTO plinth.%s (version_id, is_applied) VALUES %s;\n", versionTable, strings.Join(rows, ", "))
}
