package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"time"
)

// ports are chosen once and kept: the orderer's address is part of the channel's configuration. They lie below the
// range from which the kernel takes ports for outgoing connections, so that none is taken while the network is down.
type ports map[string]int

const firstPort, lastPort = 20000, 32000

func (n *Network) assignPorts(context.Context) error {
	n.ports = ports{}
	data, err := os.ReadFile(n.path("ports.json"))
	if err == nil {
		err = json.Unmarshal(data, &n.ports)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("ports.json: %w", err)
	}
	known := len(n.ports)
	n.nameOrderers()
	n.orgs = []org{
		{Name: "bureau", Title: "数据局", MSP: "BureauMSP", Domain: "bureau.plinth"},
		{Name: "overseer", Title: "监督方", MSP: "OverseerMSP", Domain: "overseer.plinth"},
	}
	for i := range n.orgs {
		o := &n.orgs[i]
		o.PeerPort, o.CallbackPort = n.ports.take("peer-"+o.Name), n.ports.take("peer-"+o.Name+"-callback")
		o.OperationsPort, o.ChaincodePort = n.ports.take("peer-"+o.Name+"-operations"), n.ports.take("chaincode-"+o.Name)
	}
	if len(n.ports) == known {
		return nil
	}
	data, err = json.MarshalIndent(n.ports, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(n.path("ports.json"), data, 0o644)
}

// take returns the port kept for name, or chooses a free one.
func (p ports) take(name string) int {
	if port := p[name]; port != 0 {
		return port
	}
	taken := map[int]bool{}
	for _, port := range p {
		taken[port] = true
	}
	for {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if !taken[port] && isFree(port) {
			p[name] = port
			return port
		}
	}
}

// checkPorts refuses to start when another program has one of the ports: it would be taken for our node. Nodes of a
// run that was killed may take a moment to go.
func (n *Network) checkPorts(ctx context.Context) error {
	deadline := time.Now().Add(3 * time.Second)
	for _, name := range slices.Sorted(maps.Keys(n.ports)) {
		for !isFree(n.ports[name]) {
			if time.Now().After(deadline) {
				return fmt.Errorf("port %d of %s is taken by another program; end that, or use another data folder "+
					"(the port is part of the channel's configuration)", n.ports[name], name)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// listening is a ready check: all ports accept connections.
func listening(ports ...int) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, port := range ports {
			d := net.Dialer{Timeout: time.Second}
			c, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return err
			}
			_ = c.Close() // it has told all it can
		}
		return nil
	}
}
