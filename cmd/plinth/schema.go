package main

import (
	"fmt"

	"plinth/internal/clickhouse"
)

// schemaCmd prints schemas for those who make the tables by hand.
type schemaCmd struct {
	Cluster clusterSchemaCmd `cmd:"" help:"Print the statements that make ClickHouse's tables on a cluster: replicated in a shard, distributed over the shards. Run them before the service starts."`
}

type clusterSchemaCmd struct {
	Name string `arg:"" help:"The cluster's name, as in system.clusters."`
}

// Run prints the statements.
func (cmd *clusterSchemaCmd) Run() error {
	text, err := clickhouse.ClusterSchema(cmd.Name)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return nil
}
