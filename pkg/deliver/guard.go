package deliver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// The dial guard keeps a registered URL from reaching what only this machine
// should reach: the metadata services of clouds, which hand out credentials to
// whoever asks, and addresses that are no receiver's. Loopback and private
// networks are allowed, for that is where receivers of a DAM stand.
//
// It looks at the address that is dialled, after resolution, so a name that
// resolves to something else the second time gets nowhere. With a proxy in
// between, that is the proxy's address, and the proxy must guard the rest; an
// address that the URL names outright is refused also then.

// denied is a network that is refused by default, and what it is.
type denied struct {
	prefix netip.Prefix
	what   string
}

// refusedByDefault lists the networks by their documents: RFC 6890 and the IANA
// special-purpose registries for the general ones, the providers' own pages on
// instance metadata for the others. (169.254.169.254, which most clouds use, is
// link-local; so is OpenStack's fe80::a9fe:a9fe.)
func refusedByDefault() []denied {
	const metadata = "a cloud's metadata service"
	return []denied{
		{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
		{netip.MustParsePrefix("::/128"), "unspecified"},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
		{netip.MustParsePrefix("fe80::/10"), "link-local"},
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
		{netip.MustParsePrefix("ff00::/8"), "multicast"},
		{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
		{netip.MustParsePrefix("100.100.100.200/32"), metadata},     // Alibaba
		{netip.MustParsePrefix("fd00:100::100:200/128"), metadata},  // Alibaba
		{netip.MustParsePrefix("fd00:ec2::254/128"), metadata},      // AWS EC2
		{netip.MustParsePrefix("fd00:ec2::23/128"), metadata},       // AWS EKS pod identity
		{netip.MustParsePrefix("168.63.129.16/32"), metadata},       // Azure wire server
		{netip.MustParsePrefix("fd20:ce::254/128"), metadata},       // Google
		{netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"), metadata},  // Linode
		{netip.MustParsePrefix("192.0.0.192/32"), metadata},         // Oracle
		{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), metadata}, // Oracle
		{netip.MustParsePrefix("fd00:42::42/128"), metadata},        // Scaleway
	}
}

// guard decides about addresses. It does not change once made.
type guard struct {
	refused []denied
	allow   []netip.Prefix
}

func newGuard(deny, allow []netip.Prefix) *guard {
	g := &guard{refused: refusedByDefault()}
	for _, prefix := range deny {
		g.refused = append(g.refused, denied{unmapped(prefix), "denied by network.deny"})
	}
	for _, prefix := range allow {
		g.allow = append(g.allow, unmapped(prefix))
	}
	return g
}

// unmapped writes a network of IPv4-mapped addresses as one of IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// deniedError says which address was refused, and why.
type deniedError struct {
	addr netip.Addr
	what string
}

func (e *deniedError) Error() string {
	return fmt.Sprintf("address %s is refused: it is %s (network.allow makes exceptions)", e.addr, e.what)
}

// Denied tells others that trying again is of no use.
func (e *deniedError) Denied() bool { return true }

// check returns a deniedError if addr may not be dialled. What is allowed wins
// over what is refused. An IPv4 address inside an IPv6 one counts as itself.
func (g *guard) check(addr netip.Addr) error {
	forms := []netip.Addr{addr.Unmap().WithZone("")}
	if inner, ok := embedded(forms[0]); ok {
		forms = append(forms, inner)
	}
	for _, form := range forms {
		if slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(form) }) {
			return nil
		}
	}
	for _, form := range forms {
		for _, d := range g.refused {
			if d.prefix.Contains(form) {
				return &deniedError{form, d.what}
			}
		}
	}
	return nil
}

// embedded returns the IPv4 address to which a translator or tunnel would send
// what is addressed to addr: NAT64 (RFC 6052, RFC 8215), SIIT (RFC 2765) and
// 6to4 (RFC 3056).
func embedded(addr netip.Addr) (netip.Addr, bool) {
	for _, form := range [...]struct {
		prefix netip.Prefix
		offset int
	}{
		{netip.MustParsePrefix("64:ff9b::/96"), 12},
		{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
		{netip.MustParsePrefix("::ffff:0:0:0/96"), 12},
		{netip.MustParsePrefix("2002::/16"), 2},
	} {
		if form.prefix.Contains(addr) {
			bytes := addr.As16()
			return netip.AddrFrom4([4]byte(bytes[form.offset : form.offset+4])), true
		}
	}
	return netip.Addr{}, false
}

// control is a net.Dialer's ControlContext: it sees every address before it is
// connected to.
func (s *Sender) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial guard: %w", err)
	}
	return s.guard.Load().check(target.Addr())
}

// guardedDial is Config.Dial within the guard's sight.
func (s *Sender) guardedDial(ctx context.Context, network, address string) (net.Conn, error) {
	current := s.guard.Load()
	if target, err := netip.ParseAddrPort(address); err == nil {
		if err := current.check(target.Addr()); err != nil {
			return nil, err
		}
	}
	conn, err := s.config.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if remote, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		if err := current.check(remote.AddrPort().Addr()); err != nil {
			_ = conn.Close() // nothing was written to it
			return nil, err
		}
	}
	return conn, nil
}
