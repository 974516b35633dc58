package fabric

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"plinth/ledger/fabric/network"
)

// Names that all parties of the network agree on.
const (
	channel       = "evidence"
	chaincode     = "anchor"
	ordererDomain = "orderer.plinth"
)

// chaincodeVersion is raised with every change of the contract. A network that runs an older one is given the new
// definition when it is started; what the contract wrote before stays and is read by the new one.
const chaincodeVersion = "2"

// Process is one program of the network.
type Process struct {
	Name  string
	Path  string
	Args  []string
	Env   []string
	Dir   string
	Ready func(context.Context) error
}

// Network is a prepared network in a folder.
type Network struct {
	dir     string // absolute
	bins    Binaries
	ports   ports
	log     *slog.Logger
	pkgID   string // of the chaincode package
	version string // of the contract

	consensus Consensus
	orderers  []ordererNode
	orgs      []org
}

// Config says how a network is made.
type Config struct {
	Binaries Binaries
	// Consensus is that of a new network; empty means what the folder's network has, and Raft for a new one.
	Consensus Consensus
	// Version is the contract's version; empty means that of this release. An older one is for those who try upgrades.
	Version string
}

// org is one organisation with its peer and chaincode.
type org struct {
	Name, Title, MSP, Domain                              string
	PeerPort, CallbackPort, OperationsPort, ChaincodePort int
}

// Prepare makes the network's folder ready: the first time keys, channel and configuration are created, later they
// are found. It starts nothing.
func Prepare(ctx context.Context, dir string, cfg Config, log *slog.Logger) (*Network, error) {
	if err := cfg.Binaries.check(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	n := &Network{dir: dir, bins: cfg.Binaries, consensus: cfg.Consensus, version: cmp.Or(cfg.Version, chaincodeVersion), log: log}
	if err := os.MkdirAll(n.path("cfg"), 0o755); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		n.discardUnfinished, n.chooseConsensus, n.assignPorts, n.checkPorts, n.makeKeys, n.writeConfig, n.makeGenesis, n.linkBuilder, n.makePackage, n.describe,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("prepare fabric network: %w", err)
		}
	}
	return n, nil
}

// Description is the path of the network.json that clients read.
func (n *Network) Description() string { return n.path("network.json") }

// Processes are what must run, in order of start: the orderers, then what needs them least.
func (n *Network) Processes() []Process {
	var all []Process
	for _, o := range n.orderers {
		all = append(all, n.ordererProcess(o))
	}
	for _, o := range n.orgs {
		all = append(all, n.chaincodeProcess(o), n.peerProcess(o))
	}
	return all
}

func (n *Network) path(elem ...string) string {
	return filepath.Join(append([]string{n.dir}, elem...)...)
}

func (n *Network) orgDir(o org, elem ...string) string {
	return n.path(append([]string{"crypto", "peerOrganizations", o.Domain}, elem...)...)
}

func (n *Network) peerNode(o org) string { return n.orgDir(o, "peers", "peer0."+o.Domain) }

func (n *Network) userMSP(o org, user string) string {
	return n.orgDir(o, "users", user+"@"+o.Domain, "msp")
}

func (n *Network) peerProcess(o org) Process {
	builder := fmt.Sprintf(`CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG={"address":"127.0.0.1:%d"}`, o.ChaincodePort)
	return Process{
		Name:  "peer-" + o.Name,
		Path:  n.bins.program("peer"),
		Args:  []string{"node", "start"},
		Env:   []string{"FABRIC_CFG_PATH=" + n.path("cfg", o.Name), "FABRIC_LOGGING_SPEC=" + logLevels, goGC, builder},
		Dir:   n.dir,
		Ready: listening(o.PeerPort),
	}
}

func (n *Network) chaincodeProcess(o org) Process {
	return Process{
		Name: "chaincode-" + o.Name,
		Path: n.bins.Chaincode,
		Env: []string{
			"CHAINCODE_ID=" + n.pkgID, fmt.Sprintf("CHAINCODE_SERVER_ADDRESS=127.0.0.1:%d", o.ChaincodePort), goGC,
		},
		Dir:   n.dir,
		Ready: listening(o.ChaincodePort),
	}
}

// logLevels keeps the nodes' logs to what someone may have to act on.
const logLevels = "warning"

// goGC trades a little processor time for memory: the nodes idle most of the time.
const goGC = "GOGC=50"

// describe writes network.json for the client, with paths relative to it.
func (n *Network) describe(context.Context) error {
	client := n.orgs[0]
	user := filepath.Join("crypto", "peerOrganizations", client.Domain, "users", "User1@"+client.Domain, "msp")
	d := network.Description{
		Channel: channel, Chaincode: chaincode, ChaincodeVersion: n.version,
		Client: network.Client{
			Organisation: client.Name,
			Cert:         filepath.Join(user, "signcerts", "User1@"+client.Domain+"-cert.pem"),
			Key:          filepath.Join(user, "keystore", "priv_sk"),
		},
		Consensus: string(n.consensus),
	}
	for _, o := range n.orderers {
		d.Orderers = append(d.Orderers, network.Node{
			Address: fmt.Sprintf("127.0.0.1:%d", o.Port),
			TLSCA:   filepath.Join("crypto", "ordererOrganizations", ordererDomain, "tlsca", "tlsca."+ordererDomain+"-cert.pem"),
		})
	}
	for _, o := range n.orgs {
		dir := filepath.Join("crypto", "peerOrganizations", o.Domain)
		d.Organisations = append(d.Organisations, network.Organisation{
			Name: o.Name, Title: o.Title, MSP: o.MSP,
			RootCA: filepath.Join(dir, "ca", "ca."+o.Domain+"-cert.pem"),
			Peer: network.Node{
				Address: fmt.Sprintf("127.0.0.1:%d", o.PeerPort),
				TLSCA:   filepath.Join(dir, "tlsca", "tlsca."+o.Domain+"-cert.pem"),
			},
		})
	}
	return network.Write(n.Description(), d)
}
