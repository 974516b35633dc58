package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"plinth/sensors/pack"
)

// packCmd reads scenario packs without a running service.
type packCmd struct {
	Check packCheckCmd `cmd:"" help:"Check packs; print every fault as file:line and exit 1 if there is one."`
	List  packListCmd  `cmd:"" help:"List the packs that the service would use: those that ship and those in packs/ under --data."`
}

// packCheckCmd checks files.
type packCheckCmd struct {
	Files []string `arg:"" name:"file" help:"Packs, each a YAML file." type:"existingfile"`

	out io.Writer // standard output when nil
}

// errPacks is why the command fails when a pack is at fault.
var errPacks = errors.New("the packs have faults")

// Run checks the files.
func (cmd *packCheckCmd) Run() error {
	out := orStdout(cmd.out)
	bad := false
	for _, file := range cmd.Files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p, err := pack.Parse(file, data)
		if err != nil {
			bad = true
			fmt.Fprintln(out, err)
			continue
		}
		fmt.Fprintf(out, "%s: %s %s, %d metrics, %d rules\n", file, p.Kind, p.Version, len(p.Metrics), len(p.Rules))
	}
	if bad {
		return errPacks
	}
	return nil
}

func orStdout(w io.Writer) io.Writer {
	if w == nil {
		return os.Stdout
	}
	return w
}

// packListCmd lists the packs in force.
type packListCmd struct{ out io.Writer }

// Run lists the packs.
func (cmd *packListCmd) Run(c *Config) error {
	packs, err := pack.Load(packFolder(c.Data))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(orStdout(cmd.out), 0, 0, 2, ' ', 0)
	for _, p := range packs.All() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Kind, p.Version, p.Origin, p.Name.ZH, p.Name.EN)
		for _, r := range p.Rules {
			fmt.Fprintf(w, "  %s\t%s\t\t%s\t%s\n", r.Name, r.Detector, r.Title.ZH, r.Title.EN)
		}
	}
	return w.Flush()
}

// packFolder is where a deployment's own packs lie.
func packFolder(data string) string { return filepath.Join(data, "packs") }
