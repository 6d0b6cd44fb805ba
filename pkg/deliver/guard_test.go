package deliver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dam-delivery/dz/pkg/attempt"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		deny, allow []netip.Prefix
		addr        string
		refused     string // a part of the reason; "" if allowed
	}{
		// Receivers stand in all of these.
		{addr: "127.0.0.1"},
		{addr: "::1"},
		{addr: "10.1.2.3"},
		{addr: "172.16.0.1"},
		{addr: "192.168.1.1"},
		{addr: "100.64.0.1"},
		{addr: "fd12:3456::1"},
		{addr: "93.184.216.34"},
		{addr: "2606:2800:220::1"},
		{addr: "::ffff:127.0.0.1"},
		{addr: "64:ff9b::5db8:d822"},
		// Neighbours of what is refused.
		{addr: "169.253.255.255"},
		{addr: "169.255.0.0"},
		{addr: "100.100.100.199"},
		{addr: "168.63.129.17"},
		{addr: "223.255.255.255"},
		{addr: "fec0::1"},
		{addr: "fd00:ec2::253"},

		{addr: "0.0.0.0", refused: "unspecified"},
		{addr: "0.1.2.3", refused: "unspecified"},
		{addr: "::", refused: "unspecified"},
		{addr: "169.254.0.1", refused: "link-local"},
		{addr: "169.254.169.254", refused: "link-local"},
		{addr: "169.254.170.2", refused: "link-local"},
		{addr: "fe80::1", refused: "link-local"},
		{addr: "fe80::1%eth0", refused: "link-local"},
		{addr: "febf::1", refused: "link-local"},
		{addr: "fe80::a9fe:a9fe", refused: "link-local"},
		{addr: "224.0.0.1", refused: "multicast"},
		{addr: "239.255.255.255", refused: "multicast"},
		{addr: "ff02::1", refused: "multicast"},
		{addr: "255.255.255.255", refused: "broadcast"},
		{addr: "100.100.100.200", refused: "metadata"},
		{addr: "fd00:100::100:200", refused: "metadata"},
		{addr: "168.63.129.16", refused: "metadata"},
		{addr: "192.0.0.192", refused: "metadata"},
		{addr: "fd00:ec2::254", refused: "metadata"},
		{addr: "fd00:ec2::23", refused: "metadata"},
		{addr: "fd20:ce::254", refused: "metadata"},
		{addr: "fd00:c1::a9fe:a9fe", refused: "metadata"},
		{addr: "fd00:42::42", refused: "metadata"},
		{addr: "fd00:a9fe:a9fe::1", refused: "metadata"},

		// IPv4 in IPv6.
		{addr: "::ffff:169.254.169.254", refused: "link-local"},
		{addr: "::ffff:0:169.254.169.254", refused: "link-local"},
		{addr: "64:ff9b::169.254.169.254", refused: "link-local"},
		{addr: "64:ff9b:1::169.254.169.254", refused: "link-local"},
		{addr: "2002:a9fe:a9fe::1", refused: "link-local"},
		{addr: "2002:6464:64c8::", refused: "metadata"},

		// The configured lists.
		{deny: prefixes("10.0.0.0/8"), addr: "10.1.2.3", refused: "network.deny"},
		{deny: prefixes("10.0.0.0/8"), addr: "::ffff:10.1.2.3", refused: "network.deny"},
		{deny: prefixes("::ffff:10.0.0.0/104"), addr: "10.1.2.3", refused: "network.deny"},
		{deny: prefixes("10.0.0.0/8"), addr: "11.1.2.3"},
		{deny: prefixes("10.0.0.0/8"), addr: "169.254.1.1", refused: "link-local"},
		{deny: prefixes("::/0"), addr: "10.1.2.3"},
		{deny: prefixes("127.0.0.0/8", "::1/128"), addr: "::1", refused: "network.deny"},
		{allow: prefixes("169.254.7.0/24"), addr: "169.254.7.8"},
		{allow: prefixes("169.254.7.0/24"), addr: "64:ff9b::169.254.7.8"},
		{allow: prefixes("169.254.7.0/24"), addr: "169.254.8.8", refused: "link-local"},
		{allow: prefixes("fe80::/10"), addr: "fe80::1%eth0"},
		{deny: prefixes("10.0.0.0/8"), allow: prefixes("10.1.0.0/16"), addr: "10.1.2.3"},
		{deny: prefixes("10.1.0.0/16"), allow: prefixes("10.0.0.0/8"), addr: "10.1.2.3"},
	} {
		err := newGuard(c.deny, c.allow).check(netip.MustParseAddr(c.addr))
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s with deny %v, allow %v: %v, want %q", c.addr, c.deny, c.allow, err, c.refused)
		}
	}
}

func TestARefusedAddressIsNotDialled(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://169.254.169.254/latest/meta-data/",
		"http://[fe80::1]/",
		"http://0.0.0.0:80/",
		"http://[::ffff:169.254.169.254]/",
		"http://[64:ff9b::a9fe:a9fe]/",
	} {
		_, got := send(t, url)
		if got.Verdict != attempt.Unavailable || got.Reason != attempt.Denied || !strings.Contains(got.Error, "is refused: it is") {
			t.Errorf("%s: %s, %s, %q", url, got.Verdict, got.Reason, got.Error)
		}
	}
}

func TestTheGuardSeesWhatANameResolvesTo(t *testing.T) {
	t.Parallel()
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(target, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][4]byte{"good.example.": {127, 0, 0, 1}, "evil.example.": {169, 254, 169, 254}}
	sender := newTestSender(t, Config{Resolver: resolver(t, names)})
	for host, want := range map[string]attempt.Reason{
		"good.example": attempt.OK, "evil.example": attempt.Denied, "nowhere.example": attempt.DNS,
	} {
		ep := endpointAt("http://" + host + ":" + port)
		_, got := sender.Send(t.Context(), ep, testRequest(), testLimits())
		if got.Reason != want {
			t.Errorf("%s: %s, %q; want %s", host, got.Reason, got.Error, want)
		}
	}

	// The name that was good is bound to another address: what counts is the
	// address at the dial.
	names["good.example."] = [4]byte{169, 254, 169, 254}
	sender.Reload(nil, nil) // or the connection would still be there
	_, got := sender.Send(t.Context(), endpointAt("http://good.example:"+port), testRequest(), testLimits())
	if got.Reason != attempt.Denied {
		t.Errorf("after rebinding: %s, %q", got.Reason, got.Error)
	}
}

func TestReloadChangesTheListsForKeptConnectionsToo(t *testing.T) {
	t.Parallel()
	ep := endpointAt(serve(t, func(http.ResponseWriter, *http.Request) {}))
	sender := newTestSender(t, Config{})
	expect := func(when string, want attempt.Reason) {
		t.Helper()
		if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Reason != want {
			t.Errorf("%s: %s, %q; want %s", when, got.Reason, got.Error, want)
		}
	}
	expect("at first", attempt.OK)
	sender.Reload(prefixes("127.0.0.0/8"), nil)
	expect("denied", attempt.Denied)
	sender.Reload(prefixes("127.0.0.0/8"), prefixes("127.0.0.1/32"))
	expect("allowed again", attempt.OK)
}

func TestAnotherWayOfDiallingIsGuardedToo(t *testing.T) {
	t.Parallel()
	dialled := 0
	sender := newTestSender(t, Config{
		Deny: prefixes("127.0.0.0/8"),
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			dialled++
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			defer listener.Close()
			return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
		},
	})
	for url, dials := range map[string]int{"http://127.0.0.1/": 0, "http://name.example/": 1} {
		dialled = 0
		_, got := sender.Send(t.Context(), endpointAt(url), testRequest(), testLimits())
		if got.Reason != attempt.Denied || dialled != dials {
			t.Errorf("%s: %s, %q, dialled %d times; want denied after %d", url, got.Reason, got.Error, dialled, dials)
		}
	}
}

// resolver answers from names, over a pipe; a name that is not there does not
// exist.
func resolver(t *testing.T, names map[string][4]byte) *net.Resolver {
	t.Helper()
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for {
				if err := answerDNS(far, names); err != nil {
					return
				}
			}
		}()
		return near, nil
	}}
}

// answerDNS reads one question and answers it, in the form of DNS over TCP.
func answerDNS(conn net.Conn, names map[string][4]byte) error {
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	question := make([]byte, int(length[0])<<8|int(length[1]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return err
	}
	var message dnsmessage.Message
	if err := message.Unpack(question); err != nil || len(message.Questions) != 1 {
		return errors.New("not one question")
	}
	message.Response, message.RecursionAvailable = true, true
	message.Additionals = nil
	q := message.Questions[0]
	addr, ok := names[q.Name.String()]
	switch {
	case !ok:
		message.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		message.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
			Body:   &dnsmessage.AResource{A: addr},
		}}
	}
	packed, err := message.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...))
	return err
}
