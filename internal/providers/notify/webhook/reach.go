package webhook

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// Reach says which addresses attempts may be made to. The zero value allows all but
// loopback, link-local, multicast and unspecified addresses, and the metadata
// services of clouds.
type Reach struct {
	Loopback bool           // loopback addresses are allowed
	Allow    []netip.Prefix // allowed whatever else is refused, but for Listeners
	// Listeners returns the addresses, host:port, that the cluster's own nodes
	// listen at: never allowed, nor is a local one's port at any other address of
	// this host. nil: there are none.
	Listeners func() (local, others []string)
}

// notAllowed is why no connection was made. It says nothing of the address, nor of
// whether anything listens there.
type notAllowed struct{ why string }

func (e *notAllowed) Error() string {
	return "nothing was sent: the target leads to " + e.why
}

const hintAllow = "; where that is meant, name its prefix in webhook-allow"

// metadata has the addresses of clouds' metadata services that are not link-local.
var metadata = []netip.Addr{netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd00:ec2::254")}

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	translated  = netip.MustParsePrefix("64:ff9b::/96") // IPv4 behind a translator (RFC 6052)
	broadcast   = netip.MustParseAddr("255.255.255.255")
)

// plain returns the address that is reached in the end: the IPv4 address inside of
// an IPv6 one, without a zone.
func plain(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if translated.Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// check refuses an address by its range, whatever its port.
func (r Reach) check(ip netip.Addr) *notAllowed {
	ip = plain(ip)
	if slices.ContainsFunc(r.Allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	switch {
	case ip.IsUnspecified(), thisNetwork.Contains(ip):
		return &notAllowed{"an unspecified address (0.0.0.0/8, ::)" + hintAllow}
	case ip.IsLoopback() && !r.Loopback:
		return &notAllowed{"a loopback address, which is allowed only while the server itself listens on loopback only" + hintAllow}
	case ip.IsLinkLocalUnicast():
		return &notAllowed{"a link-local address (169.254.0.0/16, fe80::/10)" + hintAllow}
	case ip.IsMulticast(), ip == broadcast:
		return &notAllowed{"a multicast or broadcast address" + hintAllow}
	case slices.Contains(metadata, ip):
		return &notAllowed{"the metadata service of a cloud" + hintAllow}
	}
	return nil
}

// control is called by the dialer with each address that a name leads to, before
// it connects: what is checked is what is dialled.
func (r Reach) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &notAllowed{"what is not an IP address and a port"}
	}
	if refused := r.check(to.Addr()); refused != nil {
		return refused
	}
	if r.Listeners == nil {
		return nil
	}
	ip := plain(to.Addr())
	local, others := r.Listeners()
	for _, listener := range local {
		if _, port, ok := split(listener); ok && port == to.Port() && onThisHost(ip) {
			return &notAllowed{"a port of the server itself"}
		}
	}
	for _, listener := range append(others, local...) {
		if host, port, ok := split(listener); ok && port == to.Port() && names(ctx, host, ip) {
			return &notAllowed{"a port of a node of the cluster"}
		}
	}
	return nil
}

// split takes host:port apart; ok: there is a port.
func split(address string) (host string, port uint16, ok bool) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, false
	}
	n, err := net.LookupPort("tcp", service)
	return host, uint16(n), err == nil && n > 0
}

// onThisHost reports whether the address is one of this host.
func onThisHost(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true // not known: the port alone decides
	}
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && plain(p.Addr()) == ip
	})
}

// names reports whether a node's host is the address, or a name that leads to it.
func names(ctx context.Context, host string, ip netip.Addr) bool {
	if literal, err := netip.ParseAddr(host); err == nil {
		return plain(literal) == ip
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return err == nil && slices.ContainsFunc(found, func(a netip.Addr) bool { return plain(a) == ip })
}
