package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

func TestWhichAddressesAreRefused(t *testing.T) {
	const ok, loopback, unspecified, local, many, cloud = "", "a loopback", "an unspecified", "a link-local", "a multicast", "the metadata"
	for address, want := range map[string]string{
		"192.0.2.7": ok, "10.0.0.1": ok, "192.168.1.1": ok, "100.100.100.201": ok, "2001:db8::1": ok, "fd00:ec2::253": ok, "64:ff9b::192.0.2.7": ok,
		"::ffff:192.0.2.7": ok,
		"127.0.0.1":        loopback, "127.9.9.9": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "64:ff9b::127.0.0.1": loopback,
		"0.0.0.0": unspecified, "0.1.2.3": unspecified, "::": unspecified, "::ffff:0.0.0.0": unspecified, "64:ff9b::": unspecified,
		"169.254.169.254": local, "169.254.170.2": local, "::ffff:169.254.169.254": local, "64:ff9b::169.254.169.254": local, "64:ff9b::a9fe:a9fe": local,
		"fe80::1": local, "fe80::1%eth0": local, "febf::1": local,
		"224.0.0.1": many, "239.255.255.250": many, "ff02::1": many, "ff02::1%eth0": many, "255.255.255.255": many, "64:ff9b::224.0.0.1": many,
		"100.100.100.200": cloud, "::ffff:100.100.100.200": cloud, "64:ff9b::100.100.100.200": cloud, "fd00:ec2::254": cloud,
	} {
		refused := Reach{}.check(netip.MustParseAddr(address))
		if (refused == nil) != (want == ok) || refused != nil && !strings.Contains(refused.Error(), want) {
			t.Errorf("%s: %v, want %q", address, refused, want)
		}
		if got := (Reach{Loopback: true}).check(netip.MustParseAddr(address)); want == loopback && got != nil {
			t.Errorf("%s where loopback is allowed: %v", address, got)
		}
		all := Reach{Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
		if got := all.check(netip.MustParseAddr(address)); got != nil {
			t.Errorf("%s where all is allowed: %v", address, got)
		}
	}
}

// attempt makes one with a client of its own.
func attempt(t *testing.T, r Reach, url string) error {
	t.Helper()
	c := New(Config{Reach: r})
	defer c.Close()
	return c.Notify(t.Context(), providers.Endpoint{URL: url, Secrets: []string{secret}, Timeout: 2 * time.Second}, notice)
}

func wantNotSent(t *testing.T, err error, why string) {
	t.Helper()
	if providers.ClassOf(err) != providers.InvalidConfiguration || !strings.Contains(err.Error(), "nothing was sent: the target leads to "+why) {
		t.Errorf("%s error %v, want that it leads to %s", providers.ClassOf(err), err, why)
	}
}

// counted is a server on loopback that counts connections.
func counted(t *testing.T) (port string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(s.Listener.Addr().String())
	return port, connections
}

// A refused address is not connected to, whether by number or by a name that leads
// there, and nothing tells if something listens.
func TestARefusedTargetIsNotConnectedTo(t *testing.T) {
	port, connections := counted(t)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433.invalid", "127.0.0.1:1"} {
		url := "http://" + host + "/?token=tell-nobody"
		if !strings.HasSuffix(host, ":1") {
			url = "http://" + host + ":" + port + "/?token=tell-nobody"
		}
		err := attempt(t, Reach{}, url)
		if strings.HasSuffix(host, ".invalid") { // a name that leads nowhere is no such refusal
			if err == nil || strings.Contains(err.Error(), "nothing was sent") {
				t.Errorf("%s: %v", host, err)
			}
			continue
		}
		wantNotSent(t, err, "a loopback address")
		if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: the refusal shows more than it should: %v", host, err)
		}
	}
	wantNotSent(t, attempt(t, Reach{}, "http://169.254.169.254/latest/meta-data/"), "a link-local address")
	wantNotSent(t, attempt(t, Reach{Loopback: true}, "http://0.0.0.0:"+port+"/"), "an unspecified address")
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if err := attempt(t, Reach{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, "http://127.0.0.1:"+port+"/"); err != nil {
		t.Error(err)
	}
}

// Neither what is allowed otherwise nor another address of the host leads to a
// listener of the cluster.
func TestTheClustersListenersAreNoTargets(t *testing.T) {
	port, connections := counted(t)
	free, _ := counted(t)
	r := Reach{Loopback: true, Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	listeners := func(local, others []string) Reach {
		r.Listeners = func() ([]string, []string) { return local, others }
		return r
	}
	own := listeners([]string{"192.0.2.1:" + port, ":" + port, "no address", ""}, nil)
	for _, host := range []string{"127.0.0.1", "127.8.8.8", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"} {
		wantNotSent(t, attempt(t, own, "http://"+host+":"+port+"/"), "a port of the server itself")
	}
	for _, node := range []string{"127.0.0.1:" + port, "localhost:" + port, "[::ffff:127.0.0.1]:" + port} {
		wantNotSent(t, attempt(t, listeners(nil, []string{node}), "http://127.0.0.1:"+port+"/"), "a port of a node")
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	for _, r := range []Reach{own, listeners(nil, []string{"127.0.0.1:" + port, "192.0.2.1:" + free})} {
		if err := attempt(t, r, "http://127.0.0.1:"+free+"/"); err != nil {
			t.Error(err)
		}
	}
}

// A receiver cannot send the server on to where it may not go.
func TestARedirectToARefusedAddressIsNotFollowed(t *testing.T) {
	port, connections := counted(t)
	to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:"+port+"/", http.StatusTemporaryRedirect)
	})
	err := client(t).Notify(context.Background(), to, notice)
	if providers.ClassOf(err) != providers.Failed || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
}
