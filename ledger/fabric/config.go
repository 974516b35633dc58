package fabric

import (
	"fmt"
	"os"
	"strings"

	"github.com/hyperledger/fabric-sdk-go/pkg/common/providers/core"

	"plinth/ledger/fabric/network"
)

// sdkUser is the name under which the SDK keeps the client's identity.
const sdkUser = "client"

type tree = map[string]any

// backend is the SDK's configuration, in memory: a tree whose keys are walked by dots.
type backend struct{ root tree }

// Lookup finds "a.b.c" in the tree.
func (b backend) Lookup(key string) (any, bool) {
	var v any = b.root
	for part := range strings.SplitSeq(key, ".") {
		t, ok := v.(tree)
		if !ok {
			return nil, false
		}
		if v, ok = t[part]; !ok {
			return nil, false
		}
	}
	return v, true
}

func (b backend) provider() ([]core.ConfigBackend, error) { return []core.ConfigBackend{b}, nil }

// newBackend writes the network down in the SDK's terms. Nodes are named by their address.
func newBackend(net network.Description, state string) (backend, error) {
	peers, channelPeers, orgs := tree{}, tree{}, tree{}
	for _, o := range net.Organisations {
		var names []string
		own := o.Name == net.Client.Organisation
		for i, p := range append([]network.Node{o.Peer}, o.OtherPeers...) {
			node, err := nodeConfig(p)
			if err != nil {
				return backend{}, err
			}
			peers[p.Address], names = node, append(names, p.Address)
			channelPeers[p.Address] = tree{"endorsingPeer": true, "chaincodeQuery": true, "ledgerQuery": true, "eventSource": own && i == 0}
		}
		orgs[o.Name] = tree{"mspid": o.MSP, "cryptoPath": state, "peers": names}
	}
	user, err := userConfig(net.Client)
	if err != nil {
		return backend{}, err
	}
	orgs[net.Client.Organisation].(tree)["users"] = tree{sdkUser: user}
	orderers, ordererNames := tree{}, []string{}
	for _, n := range net.Orderers {
		node, err := nodeConfig(n)
		if err != nil {
			return backend{}, err
		}
		orderers[n.Address] = node
		ordererNames = append(ordererNames, n.Address)
	}
	return backend{tree{
		"version":       "1.0.0",
		"client":        clientConfig(net.Client.Organisation, state),
		"organizations": orgs,
		"peers":         peers,
		"orderers":      orderers,
		"channels": tree{strings.ToLower(net.Channel): tree{
			"orderers": ordererNames, "peers": channelPeers, "policies": policies(),
		}},
	}}, nil
}

// policies has discovery and the channel's configuration read from one peer at a time: with two, the first answer
// closes the shared connection under the other's feet.
func policies() tree {
	one := func() tree {
		return tree{"minResponses": 1, "maxTargets": 1, "retryOpts": tree{
			"attempts": 2, "initialBackoff": "200ms", "maxBackoff": "1s", "backoffFactor": 2.0,
		}}
	}
	return tree{
		"queryChannelConfig": one(), "discovery": one(),
		"eventService": tree{"resolverStrategy": "PreferOrg", "balancer": "RoundRobin"},
	}
}

func clientConfig(org, state string) tree {
	return tree{
		"organization":    org,
		"cryptoconfig":    tree{"path": state},
		"credentialStore": tree{"path": state, "cryptoStore": tree{"path": state}},
		"BCCSP": tree{"security": tree{
			"enabled": true, "default": tree{"provider": "SW"}, "hashAlgorithm": "SHA2", "softVerify": true, "level": 256,
		}},
		"peer":         tree{"timeout": tree{"connection": "3s", "response": "30s"}},
		"orderer":      tree{"timeout": tree{"connection": "3s", "response": "30s"}},
		"eventService": tree{"timeout": tree{"registrationResponse": "3s"}},
		"discovery":    tree{"timeout": tree{"connection": "3s", "response": "5s"}},
		"global": tree{
			"timeout": tree{"query": "30s", "execute": "60s", "resmgmt": "60s"},
			"cache":   tree{"connectionIdle": "1h", "eventServiceIdle": "1h"},
		},
	}
}

func nodeConfig(n network.Node) (tree, error) {
	ca, err := readPEM(n.TLSCA)
	if err != nil {
		return nil, err
	}
	grpc := tree{"keep-alive-time": "0s", "keep-alive-timeout": "20s", "fail-fast": true, "allow-insecure": false}
	if n.ServerName != "" {
		grpc["ssl-target-name-override"] = n.ServerName
	}
	return tree{"url": n.Address, "grpcOptions": grpc, "tlsCACerts": tree{"pem": ca}}, nil
}

func userConfig(c network.Client) (tree, error) {
	cert, err := readPEM(c.Cert)
	if err != nil {
		return nil, err
	}
	key, err := readPEM(c.Key)
	if err != nil {
		return nil, err
	}
	return tree{"cert": tree{"pem": cert}, "key": tree{"pem": key}}, nil
}

func readPEM(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(data), "-----BEGIN ") {
		return "", fmt.Errorf("%s: not a PEM file", path)
	}
	return string(data), nil
}
