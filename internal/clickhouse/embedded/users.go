package embedded

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"plinth/internal/clickhouse"
)

// tableEngines are those a migration may use. File, URL, S3 and their like are left out: they would open the disk and
// the network to whoever may create a table.
var tableEngines = []string{"MergeTree", "ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree",
	"CollapsingMergeTree", "VersionedCollapsingMergeTree", "View", "MaterializedView", "Null", "Memory", "Dictionary", "Buffer"}

// usersXML declares the one user the engine knows, who holds roles only, the service's role, and for each scope a role
// that reads its views and a definer that reads granted columns and rows of the bases. The constraint on
// additional_table_filters closes a way around the definer's row filter.
func usersXML(scopes []clickhouse.Scope) string {
	var roles, definers strings.Builder
	held := []string{serviceRole}
	for _, s := range scopes {
		held = append(held, s.Role())
		role(&roles, s.Role(), "GRANT SELECT ON "+s.Database()+".*")
		definer(&definers, s)
	}
	role(&roles, serviceRole, serviceGrants()...)
	return `<clickhouse>
<profiles><default><constraints><additional_table_filters><readonly/></additional_table_filters></constraints></default></profiles>
<quotas><default/></quotas>
<roles>` + roles.String() + `</roles>
<users><default><no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota><grants><query>GRANT ` +
		strings.Join(held, ", ") + `</query></grants></default>` + definers.String() + `</users>
</clickhouse>
`
}

func serviceGrants() []string {
	engines := make([]string, len(tableEngines))
	for i, e := range tableEngines {
		engines[i] = "TABLE ENGINE ON " + e
	}
	return []string{
		"GRANT ALL ON " + database + ".*",
		"GRANT ALL ON s_*.*",
		"GRANT SELECT, SHOW ON system.*",
		"GRANT SHOW ACCESS, KILL QUERY, CREATE TEMPORARY TABLE, CREATE FUNCTION, DROP FUNCTION ON *.*",
		"GRANT SET DEFINER ON *",
		"GRANT " + strings.Join(engines, ", "),
	}
}

func role(b *strings.Builder, name string, grants ...string) {
	fmt.Fprintf(b, "\n<%s><grants>%s</grants></%s>", name, queries(grants), name)
}

func queries(grants []string) string {
	var b strings.Builder
	for _, g := range grants {
		b.WriteString("<query>" + escape(g) + "</query>")
	}
	return b.String()
}

// definer writes a user that cannot sign in (no networks) and owns a scope's views.
func definer(b *strings.Builder, s clickhouse.Scope) {
	grants := make([]string, len(s.Tables))
	var filters strings.Builder
	for i, t := range s.Tables {
		db, table := t.BaseName()
		grants[i] = fmt.Sprintf("GRANT SELECT(%s) ON %s.%s", strings.Join(t.Columns, ", "), db, table)
		fmt.Fprintf(&filters, "<%s><filter>%s</filter></%s>", table, escape(t.Filter), table)
	}
	fmt.Fprintf(b, "\n<%s><no_password/><networks/><profile>default</profile><quota>default</quota><grants>%s</grants><databases><%s>%s</%s></databases></%s>",
		s.Definer(), queries(grants), database, filters.String(), database, s.Definer())
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// configXML bounds the engine's memory and threads for a machine that it shares with the rest of the house.
func configXML(usersFile string, memory int64) string {
	return fmt.Sprintf(`<clickhouse>
<users_config>%s</users_config>
<max_server_memory_usage>%d</max_server_memory_usage>
<mark_cache_size>%d</mark_cache_size>
<background_pool_size>4</background_pool_size>
<background_schedule_pool_size>8</background_schedule_pool_size>
</clickhouse>
`, escape(usersFile), memory, memory/16)
}

// writeFile replaces a file whole, so that a crash leaves the old or the new one. Only its owner may read it.
func writeFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
