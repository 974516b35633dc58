package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// policy makes both organisations answer for every checkpoint.
const policy = "AND('BureauMSP.peer','OverseerMSP.peer')"

// Join brings the running nodes onto the channel and commits the contract, or the contract's new version in place of
// an older one. Each step looks first whether it is done, so Join may be repeated after a failure at any point; once all
// is done for this version it returns at once.
func (n *Network) Join(ctx context.Context) error {
	if done, err := os.ReadFile(n.path("joined")); err == nil && string(done) == n.pkgID+"\n" {
		return nil
	}
	n.log.InfoContext(ctx, "fabric: joining the channel and committing the contract", "channel", channel)
	steps := []func(context.Context) error{
		n.joinOrderers,
		n.eachOrg(n.joinPeer),
		n.eachOrg(n.install),
		n.eachOrg(n.approve),
		n.commit,
		n.eachOrg(n.answers),
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("join fabric network: %w", err)
		}
	}
	return os.WriteFile(n.path("joined"), []byte(n.pkgID+"\n"), 0o644)
}

func (n *Network) eachOrg(step func(context.Context, org) error) func(context.Context) error {
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, o := range n.orgs {
			g.Go(func() error { return step(ctx, o) })
		}
		return g.Wait()
	}
}

func (n *Network) joinPeer(ctx context.Context, o org) error {
	out, err := n.peer(ctx, o, "channel", "list")
	if err == nil && hasLine(out, channel) {
		return nil
	}
	_, err = n.peer(ctx, o, "channel", "join", "-b", n.path("genesis.block"))
	return err
}

func hasLine(out, line string) bool {
	for l := range strings.Lines(out) {
		if strings.TrimSpace(l) == line {
			return true
		}
	}
	return false
}

func (n *Network) install(ctx context.Context, o org) error {
	out, err := n.peer(ctx, o, "lifecycle", "chaincode", "queryinstalled")
	if err == nil && strings.Contains(out, n.pkgID) {
		return nil
	}
	_, err = n.peer(ctx, o, "lifecycle", "chaincode", "install", n.packagePath())
	return err
}

// definition is what the channel has committed of the contract; the zero value when nothing is.
type definition struct {
	Sequence int    `json:"sequence"`
	Version  string `json:"version"`
}

// committed reads the definition that is in force, as one organisation's peer knows it.
func (n *Network) committed(ctx context.Context, o org) (definition, error) {
	out, err := n.peer(ctx, o, "lifecycle", "chaincode", "querycommitted", "-C", channel, "-n", chaincode, "--output", "json")
	if err != nil && strings.Contains(out, "is not defined") {
		return definition{}, nil
	}
	if err != nil {
		return definition{}, err
	}
	var d definition
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		return definition{}, fmt.Errorf("definition of the contract: %w: %s", err, lastLines(out))
	}
	return d, nil
}

func (n *Network) flags(sequence int) []string {
	return []string{"--channelID", channel, "--name", chaincode, "--version", n.version, "--sequence", strconv.Itoa(sequence),
		"--signature-policy", policy}
}

// approve is repeated for a while: right after the start the orderer may have no leader yet.
func (n *Network) approve(ctx context.Context, o org) error {
	return n.insist(ctx, func() error {
		d, err := n.committed(ctx, o)
		if err != nil || d.Version == n.version {
			return err
		}
		next := strconv.Itoa(d.Sequence + 1)
		out, err := n.peer(ctx, o, "lifecycle", "chaincode", "queryapproved", "-C", channel, "-n", chaincode, "--sequence", next, "--output", "json")
		if err == nil && strings.Contains(out, n.pkgID) {
			return nil
		}
		args := append([]string{"lifecycle", "chaincode", "approveformyorg", "--package-id", n.pkgID}, n.flags(d.Sequence+1)...)
		_, err = n.peer(ctx, o, append(args, n.ordererFlags()...)...)
		return err
	})
}

func (n *Network) commit(ctx context.Context) error {
	return n.insist(ctx, func() error {
		d, err := n.committed(ctx, n.orgs[0])
		if err != nil || d.Version == n.version {
			return err
		}
		if d.Sequence > 0 {
			n.log.InfoContext(ctx, "fabric: replacing the contract's definition", "from", d.Version, "to", n.version)
		}
		args := append([]string{"lifecycle", "chaincode", "commit"}, n.flags(d.Sequence+1)...)
		args = append(args, n.ordererFlags()...)
		for _, o := range n.orgs {
			args = append(args, "--peerAddresses", fmt.Sprintf("127.0.0.1:%d", o.PeerPort), "--tlsRootCertFiles", n.peerNode(o)+"/tls/ca.crt")
		}
		_, err = n.peer(ctx, n.orgs[0], args...)
		return err
	})
}

// answers waits until the contract's present version answers on the organisation's own peer.
func (n *Network) answers(ctx context.Context, o org) error {
	return n.insist(ctx, func() error {
		d, err := n.committed(ctx, o)
		if err == nil && d.Version != n.version {
			err = fmt.Errorf("the peer of %s has version %q of the contract yet, want %q", o.Name, d.Version, n.version)
		}
		if err != nil {
			return err
		}
		_, err = n.peer(ctx, o, "chaincode", "query", "-C", channel, "-n", chaincode, "-c", `{"Args":["Head","-"]}`)
		return err
	})
}

// insist repeats what may fail while the nodes find each other.
func (n *Network) insist(ctx context.Context, try func() error) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		n.log.DebugContext(ctx, "fabric: trying again", "cause", err)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// peer runs the peer program as the organisation's administrator against its own peer.
func (n *Network) peer(ctx context.Context, o org, args ...string) (string, error) {
	return n.run(ctx, "peer", []string{
		"FABRIC_CFG_PATH=" + n.path("cfg", o.Name),
		"FABRIC_LOGGING_SPEC=error",
		"CORE_PEER_LOCALMSPID=" + o.MSP,
		"CORE_PEER_MSPCONFIGPATH=" + n.userMSP(o, "Admin"),
		fmt.Sprintf("CORE_PEER_ADDRESS=127.0.0.1:%d", o.PeerPort),
		"CORE_PEER_TLS_ENABLED=true",
		"CORE_PEER_TLS_ROOTCERT_FILE=" + n.peerNode(o) + "/tls/ca.crt",
	}, args...)
}
