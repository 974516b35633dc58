package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"plinth/internal/stack"
	"plinth/security"
)

// upCmd starts the engines that no URL is given for, the service, and the simulated district.
type upCmd struct {
	District districtFlags `embed:"" prefix:"district-"`
}

// districtFlags shape the simulated district that feeds the service.
type districtFlags struct {
	Off  bool   `help:"Start without the simulated district."`
	Seed uint64 `help:"Seed of the simulation: the same seed tells the same story." default:"1"`
}

// Run runs all until ctx ends.
func (cmd *upCmd) Run(ctx context.Context, c *Config) error {
	begun := time.Now()
	if err := c.Check(true); err != nil {
		return err
	}
	log := c.Log.Logger()
	l, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Fprintf(os.Stderr, "Plinth starts its engines in %s\n", c.Data)
	engines, err := stack.Start(ctx, c.Data, c.endpoints(), progress, log)
	if err != nil {
		return err
	}
	defer stopped(engines)
	c.reach(engines.Endpoints)
	h, err := openHouse(ctx, *c, log)
	if err != nil {
		return err
	}
	defer h.close()
	logins, err := h.firstAccounts(ctx)
	if err != nil {
		return err
	}
	if !cmd.District.Off {
		if err := h.simulate(ctx, cmd.District); err != nil {
			return err
		}
	}
	progress("the service is built", time.Since(begun))
	welcome(l.Addr().String(), c.Data, logins)
	return h.run(ctx, l)
}

func stopped(s *stack.Stack) {
	fmt.Fprintln(os.Stderr, "stopping the engines")
	s.Stop()
}

// progress prints one done step.
func progress(step string, took time.Duration) {
	fmt.Fprintf(os.Stderr, "  ✓ %-32s %6.1f s\n", step, took.Seconds())
}

// endpoints are the engines that the configuration names.
func (c *Config) endpoints() stack.Endpoints {
	return stack.Endpoints{
		Postgres:   stack.Endpoint{URL: c.Postgres.URL, PasswordFile: c.Postgres.PasswordFile},
		ClickHouse: stack.Endpoint{URL: c.Clickhouse.URL, User: c.Clickhouse.User, PasswordFile: c.Clickhouse.PasswordFile},
		Broker:     stack.Endpoint{URL: c.Broker.URL, User: c.Broker.User, PasswordFile: c.Broker.PasswordFile, CAFile: c.Broker.CAFile},
		BrokerConfig: stack.BrokerConfig{Listen: c.Broker.Listen, TLS: c.Broker.TLS, Cert: c.Broker.CertFile, Key: c.Broker.KeyFile,
			AckWait: c.Broker.AckWait},
		FabricNetwork: c.Fabric.Network, FabricConsensus: c.Fabric.Consensus,
	}
}

// reach takes over where the engines are.
func (c *Config) reach(e stack.Endpoints) {
	c.Postgres = PostgresConfig{URL: e.Postgres.URL, PasswordFile: e.Postgres.PasswordFile}
	c.Clickhouse = ClickhouseConfig{URL: e.ClickHouse.URL, User: e.ClickHouse.User, PasswordFile: e.ClickHouse.PasswordFile}
	c.Broker = BrokerConfig{URL: e.Broker.URL, User: e.Broker.User, PasswordFile: e.Broker.PasswordFile, UsersFile: e.BrokerUsers,
		CAFile: e.Broker.CAFile}
	c.Fabric.Network = e.FabricNetwork
}

// firstAccounts makes the accounts of a first run and keeps their passwords in a file that only its owner reads.
func (h *house) firstAccounts(ctx context.Context) (map[string]string, error) {
	made, err := h.accounts.Bootstrap(ctx)
	if err != nil {
		return nil, err
	}
	if len(made) == 0 {
		return nil, nil
	}
	return passwords(made), writeCredentials(filepath.Join(h.cfg.Data, "credentials.json"), passwords(made))
}

func passwords(logins []security.Login) map[string]string {
	m := map[string]string{}
	for _, l := range logins {
		m[l.Login] = l.Password
	}
	return m
}

func writeCredentials(path string, m map[string]string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// welcome tells how to enter. Only a first run shows the passwords; later runs name the file they were put in.
func welcome(addr, data string, logins map[string]string) {
	fmt.Printf("\nPlinth 数据底座  http://%s\n\n", addr)
	for _, who := range []struct{ login, zh string }{
		{"steward", "数据管理员"}, {"registrar", "登记审核员"}, {"provider", "供数部门"}, {"department", "用数部门"},
		{"analyst", "分析员"}, {"auditor", "审计员"}, {"security", "安全员"}, {"operator", "运维员"},
	} {
		if logins[who.login] != "" {
			fmt.Printf("  %-12s %s  %s\n", who.login, logins[who.login], who.zh)
		}
	}
	if len(logins) > 0 {
		fmt.Println()
	}
	fmt.Printf("The first passwords are in %s. Ctrl-C stops all; the data stays.\n", filepath.Join(data, "credentials.json"))
}
