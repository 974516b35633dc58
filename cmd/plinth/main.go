// Command plinth is the data foundation of a city district: one service, its local engines, and its operator's tools.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"plinth/internal/stack"
)

// cli is the command line. Every command finds its own flags in its struct.
type cli struct {
	ConfigFile string `name:"config" help:"YAML file with the settings below, e.g. postgres: {url: …}." type:"existingfile" env:"PLINTH_CONFIG"`
	Config     `embed:""`

	Up          upCmd       `cmd:"" help:"Start the engines here, the service, and the simulated district."`
	Engines     enginesCmd  `cmd:"" help:"Start the engines here without the service, for 'plinth serve --config DATA/engines.yaml'."`
	Serve       serveCmd    `cmd:"" help:"Start the service against engines that run elsewhere."`
	Ingest      ingestCmd   `cmd:"" help:"Take devices' messages in beside the service: one more member that works its share of the parts."`
	CheckConfig configCmd   `cmd:"" name:"config" help:"Check the configuration, or print it."`
	Import      ImportCmd   `cmd:"" help:"Bring files into a running service by a mapping."`
	Device      deviceCmd   `cmd:"" help:"Bring devices into a running service's registry, and out of it."`
	Evidence    evidenceCmd `cmd:"" help:"Export the evidence of a running service for an offline audit, or shred a subject's."`
	Drill       drillCmd    `cmd:"" help:"Test the auditor with altered copies of an export."`
	LedgerTools ledgerCmd   `cmd:"" name:"ledger" help:"Tend the logs of evidence."`
	Schema      schemaCmd   `cmd:"" help:"Print schemas for those who make the tables by hand."`
	Pack        packCmd     `cmd:"" help:"Check and list scenario packs."`
	Simulate    simulateCmd `cmd:"" help:"Play the simulated district as NDJSON."`
}

func main() {
	if stack.RunEngine(os.Args) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "plinth:", err)
		os.Exit(1)
	}
}

// run parses args and runs the command they name.
func run(ctx context.Context, args []string) error {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("plinth"),
		kong.Description("Plinth 数据底座: the data foundation of a city district."),
		kong.UsageOnError(),
		kong.DefaultEnvars("PLINTH"),
		kong.Configuration(readConfigFile, configPath(args)...),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run(&c.Config)
}

// configPath finds the value of --config before the rest is parsed, since its file supplies values for the rest.
func configPath(args []string) []string {
	for i, arg := range args {
		if path, ok := strings.CutPrefix(arg, "--config="); ok {
			return []string{path}
		}
		if arg == "--config" && i+1 < len(args) {
			return []string{args[i+1]}
		}
	}
	if path := os.Getenv("PLINTH_CONFIG"); path != "" {
		return []string{path}
	}
	return nil
}

// configCmd answers questions about the configuration.
type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Report every fault at once; say nothing and exit 0 if there is none."`
}

type configCheckCmd struct {
	Serve bool `help:"Check for 'plinth serve', which needs the URL of every engine."`
}

// Run checks the configuration that the other flags, variables and file make.
func (cmd *configCheckCmd) Run(c *Config) error {
	return c.Check(!cmd.Serve)
}
