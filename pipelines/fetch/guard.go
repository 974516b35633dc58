package fetch

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"plinth"
)

// special are the blocks of the IANA special-purpose address registries (RFC 6890) that netip has no name for: nothing
// that others offer lies there. IPv6 that carries IPv4 is refused whole.
var special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// global is where IPv6 addresses of the internet lie (RFC 4291 §2.4).
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Public tells whether an address belongs to the internet at large, and not to this machine, its networks, or the services
// of a cloud's inside.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsGlobalUnicast(), a.IsPrivate(), a.Zone() != "":
		return false
	case a.Is6() && !global.Contains(a):
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// allowed are the addresses and hosts that may be asked though they are not public.
type allowed struct {
	nets  []netip.Prefix
	hosts []string
}

// parseAllowed reads what an operator allows: addresses, blocks (CIDR) and names of hosts.
func parseAllowed(list []string) (allowed, error) {
	var a allowed
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			a.nets = append(a.nets, p.Masked())
		} else if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
			a.nets = append(a.nets, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
		} else if validHost(s) {
			a.hosts = append(a.hosts, strings.ToLower(s))
		} else {
			return a, fmt.Errorf("pull-allow: %q is no address, block such as 10.1.2.0/24, or name of a host", s)
		}
	}
	return a, nil
}

func validHost(s string) bool {
	return s != "" && len(s) <= 253 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

func (a allowed) addr(ip netip.Addr) bool {
	ip = ip.Unmap()
	return slices.ContainsFunc(a.nets, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// dialer connects to what may be asked. The address is judged after the name was resolved, at the moment of the
// connection, so that a name that resolves otherwise a moment later is of no use.
type dialer struct {
	allowed allowed
	plain   bool // without TLS: only what is allowed
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	nd := net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	if !slices.Contains(d.allowed.hosts, strings.ToLower(host)) {
		nd.Control = d.control
	}
	return nd.DialContext(ctx, network, address)
}

func (d dialer) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return refused("the endpoint's address %q is none", address)
	}
	switch {
	case d.allowed.addr(ap.Addr()):
		return nil
	case d.plain:
		return refused("http:// is only for hosts that the operator allows with --pull-allow, and %s is none; use https://", ap.Addr())
	case !Public(ap.Addr()):
		return refused("the address %s is not public; the operator can allow it with --pull-allow", ap.Addr())
	}
	return nil
}

func refused(format string, args ...any) error {
	return plinth.Errorf(plinth.ErrDenied, format, args...)
}
