package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"plinth/internal/stack"
)

// enginesCmd starts the local engines without the service, so that several processes of ours can use them and each can
// be stopped by itself.
type enginesCmd struct{}

// Run keeps the engines until ctx ends.
func (enginesCmd) Run(ctx context.Context, c *Config) error {
	if err := c.Check(true); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Plinth starts its engines in %s\n", c.Data)
	engines, err := stack.Start(ctx, c.Data, c.endpoints(), progress, c.Log.Logger())
	if err != nil {
		return err
	}
	defer stopped(engines)
	c.reach(engines.Endpoints)
	path := filepath.Join(c.Data, "engines.yaml")
	if err := c.writeReach(path); err != nil {
		return err
	}
	fmt.Printf("The engines serve. Start the service with: plinth serve --config %s\n", path)
	<-ctx.Done()
	return nil
}

// writeReach writes where the engines are as a configuration file. It names the files of secrets, never a secret.
func (c *Config) writeReach(path string) error {
	data, err := yaml.Marshal(map[string]any{
		"data":       c.Data,
		"postgres":   map[string]string{"url": c.Postgres.URL, "password-file": c.Postgres.PasswordFile},
		"clickhouse": map[string]string{"url": c.Clickhouse.URL, "user": c.Clickhouse.User, "password-file": c.Clickhouse.PasswordFile},
		"broker": map[string]string{"url": c.Broker.URL, "user": c.Broker.User, "password-file": c.Broker.PasswordFile,
			"users-file": c.Broker.UsersFile, "ca-file": c.Broker.CAFile},
		"fabric": map[string]string{"network": c.Fabric.Network},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
