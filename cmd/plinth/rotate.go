package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"plinth/ledger"
	"plinth/ledger/fabric"
	"plinth/ledger/sequencer"
	"plinth/ledger/twin"
)

// ledgerCmd holds the tools of who tends the logs.
type ledgerCmd struct {
	RotateKey rotateKeyCmd `cmd:"" help:"Replace the key with which a log signs; the service may go on running."`
}

// rotateKeyCmd replaces a log's key. It runs on the service's machine, with its data folder and its network.json.
type rotateKeyCmd struct {
	Log string `required:"" enum:"authz,device,authz-sm3,device-sm3" help:"Which key: authz, device, or with -sm3 that of its twin."`

	out io.Writer // standard output when nil
}

// Run rotates and says what is valid from now on.
func (cmd *rotateKeyCmd) Run(ctx context.Context, c *Config) error {
	network := c.Fabric.Network
	if network == "" { // the local one of a running plinth up
		network = filepath.Join(c.Data, "fabric", "network.json")
	}
	chain, err := fabric.Open(fabric.Config{Network: network, State: filepath.Join(c.Data, "fabric-client-tools")}, c.Log.Logger())
	if err != nil {
		return err
	}
	defer chain.Close()
	return cmd.rotate(ctx, chain, filepath.Join(c.Data, "ledger", "keys"), c.Ledger.Name)
}

func (cmd *rotateKeyCmd) rotate(ctx context.Context, chain sequencer.Chain, keys, name string) error {
	ring, err := sequencer.LoadRing(keys, cmd.Log, cmd.origin(name))
	if err != nil {
		return err
	}
	r, err := sequencer.RotateKey(ctx, chain, ring)
	if err != nil {
		return err
	}
	if cmd.out == nil {
		cmd.out = os.Stdout
	}
	if !r.Done {
		fmt.Fprintln(cmd.out, "An earlier rotation was committed and not finished; it is now. Run this again for another one.")
	}
	_, err = fmt.Fprintf(cmd.out, "valid:   %s\nretired: %s\ntransaction %s\n", r.Key, r.Old, r.Key.TxID)
	return err
}

// origin returns the origin line of the key's log: "authz-sm3" is the twin of "authz".
func (cmd *rotateKeyCmd) origin(name string) string {
	for _, o := range sequencer.Origins {
		if cmd.Log == string(o)+"-sm3" {
			return twin.Origin(sequencer.OriginLine(name, o))
		}
	}
	return sequencer.OriginLine(name, ledger.Origin(cmd.Log))
}
