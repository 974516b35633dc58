package stack

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Ports hands out loopback ports by name and keeps them in a file, so that an address survives a restart. It is not
// safe for concurrent use.
type Ports struct {
	path  string
	ports map[string]int
}

// OpenPorts reads the ports kept in dir/ports.json.
func OpenPorts(dir string) (*Ports, error) {
	p := &Ports{path: filepath.Join(dir, "ports.json"), ports: map[string]int{}}
	data, err := os.ReadFile(p.path)
	if os.IsNotExist(err) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &p.ports); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.path, err)
	}
	return p, nil
}

// Port returns the port kept for name, or takes a free one.
func (p *Ports) Port(name string) (int, error) {
	if port := p.ports[name]; port != 0 {
		return port, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	p.ports[name] = port
	data, err := json.MarshalIndent(p.ports, "", "  ")
	if err != nil {
		return 0, err
	}
	return port, os.WriteFile(p.path, data, 0o644)
}

// Addr is Port as "127.0.0.1:port".
func (p *Ports) Addr(name string) (string, error) {
	port, err := p.Port(name)
	return fmt.Sprintf("127.0.0.1:%d", port), err
}
