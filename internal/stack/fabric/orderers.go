package fabric

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Consensus is how the orderers agree on the order of transactions.
type Consensus string

// The kinds of consensus.
const (
	// Raft is one orderer, which is trusted to order and cannot be missed. The default of a new network.
	Raft Consensus = "raft"
	// BFT is four orderers, of which any one may fail or lie (SmartBFT).
	BFT Consensus = "bft"
)

// bftOrderers is 3f+1 for f = 1.
const bftOrderers = 4

// ordererNode is one orderer of the network.
type ordererNode struct {
	Name                            string // of its process and its folders
	Host                            string // in the orderers' domain
	ID                              int    // among the consenters, from 1
	Port, AdminPort, OperationsPort int
	Node                            string // folder of its keys
}

// chooseConsensus keeps what the folder's network was made with: the consensus is part of the channel.
func (n *Network) chooseConsensus(context.Context) error {
	kept := Consensus("")
	switch data, err := os.ReadFile(n.path("consensus")); {
	case err == nil:
		kept = Consensus(strings.TrimSpace(string(data)))
	case exists(n.path("prepared")):
		kept = Raft // made before there was a choice
	}
	if n.consensus == "" {
		n.consensus = kept
	}
	if n.consensus == "" {
		n.consensus = Raft
	}
	if n.consensus != Raft && n.consensus != BFT {
		return fmt.Errorf("consensus %q: want %s or %s", n.consensus, Raft, BFT)
	}
	if kept != "" && kept != n.consensus {
		return fmt.Errorf("the network in %s was made with consensus %s, which is part of its channel; use another data folder for %s",
			n.dir, kept, n.consensus)
	}
	return os.WriteFile(n.path("consensus"), []byte(n.consensus+"\n"), 0o644)
}

// nameOrderers gives each orderer its name and ports. The only orderer of Raft has the names of older releases.
func (n *Network) nameOrderers() {
	names := []string{"orderer"}
	if n.consensus == BFT {
		names = nil
		for i := range bftOrderers {
			names = append(names, fmt.Sprintf("orderer-%d", i+1))
		}
	}
	n.orderers = nil
	for i, name := range names {
		host := fmt.Sprintf("orderer%d", i)
		n.orderers = append(n.orderers, ordererNode{
			Name: name, Host: host, ID: i + 1,
			Port: n.ports.take(name), AdminPort: n.ports.take(name + "-admin"), OperationsPort: n.ports.take(name + "-operations"),
			Node: n.path("crypto", "ordererOrganizations", ordererDomain, "orderers", host+"."+ordererDomain),
		})
	}
}

func (n *Network) ordererProcess(o ordererNode) Process {
	return Process{
		Name:  o.Name,
		Path:  n.bins.program("orderer"),
		Env:   []string{"FABRIC_CFG_PATH=" + n.path("cfg", o.Name), "FABRIC_LOGGING_SPEC=" + logLevels, goGC},
		Dir:   n.dir,
		Ready: listening(o.Port, o.AdminPort),
	}
}

// joinOrderers brings all orderers onto the channel at once: those of BFT need each other.
func (n *Network) joinOrderers(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, o := range n.orderers {
		g.Go(func() error { return n.joinOrderer(ctx, o) })
	}
	return g.Wait()
}

func (n *Network) joinOrderer(ctx context.Context, o ordererNode) error {
	tls := filepath.Join(o.Node, "tls")
	admin := []string{
		"-o", fmt.Sprintf("127.0.0.1:%d", o.AdminPort),
		"--ca-file", tls + "/ca.crt", "--client-cert", tls + "/server.crt", "--client-key", tls + "/server.key",
	}
	out, err := n.run(ctx, "osnadmin", nil, append([]string{"channel", "list", "--channelID", channel}, admin...)...)
	if err == nil && strings.Contains(out, `"name": "`+channel+`"`) {
		return nil
	}
	join := []string{"channel", "join", "--channelID", channel, "--config-block", n.path("genesis.block")}
	out, err = n.run(ctx, "osnadmin", nil, append(join, admin...)...)
	if err == nil && !strings.Contains(out, "Status: 201") {
		err = errors.New("osnadmin channel join: " + lastLines(out)) // it ends with 0 whatever the orderer says
	}
	return err
}

// ordererFlags names one orderer to the peer program; with BFT a follower passes on what it is sent.
func (n *Network) ordererFlags() []string {
	o := n.orderers[0]
	return []string{"-o", fmt.Sprintf("127.0.0.1:%d", o.Port), "--tls", "--cafile", o.Node + "/tls/ca.crt"}
}
