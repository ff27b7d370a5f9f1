package intake

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func listenOn(t *testing.T, limits Limits, budget *Budget, refused func()) (*Listener, <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounded := Listen(l, limits, budget, refused)
	t.Cleanup(func() { bounded.Close() })
	accepted := make(chan net.Conn, 64)
	go func() {
		defer close(accepted)
		for {
			c, err := bounded.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			accepted <- c
		}
	}()
	return bounded, accepted
}

func dialFrom(t *testing.T, source string, to net.Addr) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c, err := d.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func wantClosed(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("the connection is open: %v", err)
	}
}

func TestASourceCannotTakeAllConnections(t *testing.T) {
	refused := make(chan struct{}, 8)
	l, accepted := listenOn(t, Limits{Total: 4, PerSource: 2}, nil, func() { refused <- struct{}{} })
	greedy := []net.Conn{dialFrom(t, "127.0.0.1", l.Addr()), dialFrom(t, "127.0.0.1", l.Addr())}
	first := <-accepted
	<-accepted
	wantClosed(t, dialFrom(t, "127.0.0.1", l.Addr()))
	<-refused
	dialFrom(t, "127.0.0.2", l.Addr())
	<-accepted
	// One that goes makes room for the next of its source.
	first.Close()
	wantClosed(t, greedy[0])
	dialFrom(t, "127.0.0.1", l.Addr())
	<-accepted
	if len(l.sources) != 2 {
		t.Errorf("sources are %v", l.sources)
	}
}

func TestConnectionsAboveTheTotalWait(t *testing.T) {
	l, accepted := listenOn(t, Limits{Total: 2}, nil, nil)
	for range 3 {
		dialFrom(t, "127.0.0.1", l.Addr())
	}
	one := <-accepted
	<-accepted
	select {
	case <-accepted:
		t.Fatal("a third connection was accepted")
	case <-time.After(20 * time.Millisecond):
	}
	one.Close()
	one.Close() // closing twice gives back once
	<-accepted
	l.Close() // ends the Accept that waits for room
	for range accepted {
	}
}

func TestTheConnectionThatHoldsTheMostIsClosed(t *testing.T) {
	closed := make(chan struct{}, 8)
	budget := NewBudget(1000, func() { closed <- struct{}{} })
	l, accepted := listenOn(t, Limits{}, budget, nil)
	send := func(n int) (client net.Conn, server *Conn) {
		client = dialFrom(t, "127.0.0.1", l.Addr())
		server = (<-accepted).(*Conn)
		if _, err := client.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(server, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		return client, server
	}
	_, small := send(100)
	large, _ := send(600)
	_, middle := send(250)
	if budget.Held() != 950 {
		t.Fatalf("%d bytes are held", budget.Held())
	}
	middle.Hold(100)
	wantClosed(t, large)
	<-closed
	if budget.Held() != 450 {
		t.Errorf("%d bytes are held, want 450", budget.Held())
	}
	small.Clear()
	middle.Release(50)
	middle.Release(5000)
	if budget.Held() != 0 || len(closed) != 0 {
		t.Errorf("%d bytes are held, want 0", budget.Held())
	}
	small.Hold(900)
	small.Close()
	small.Hold(900) // a read that ends late
	if budget.Held() != 0 || len(budget.conns) != 1 {
		t.Errorf("%d bytes are held, want 0", budget.Held())
	}
}

func TestSourcesAreAddressesAndNetworks(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:80": "192.0.2.7/32", "[::ffff:192.0.2.7]:80": "192.0.2.7/32", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64", "[fe80::1%lo]:80": "fe80::/64",
	} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil && address != "[fe80::1%lo]:80" {
			t.Fatal(err)
		}
		if got := sourceOf(a).String(); err == nil && got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if sourceOf(nil).IsValid() || sourceOf(&net.UnixAddr{Name: "x"}).IsValid() {
		t.Error("what is not an IP address is a source")
	}
}

func TestSharesLeaveAReserve(t *testing.T) {
	for descriptors, reserve := range map[int]int{1024: 256, 1200: 300, 20_000: 4096, 1 << 20: 4096} {
		s := Share(descriptors)
		if used := 2*s.API + 2*s.Pools; used > descriptors-reserve || used < descriptors-reserve-8 {
			t.Errorf("of %d descriptors the listeners take %d", descriptors, used)
		}
	}
	if s := Share(10); s.API < 1 || s.Pools < 1 {
		t.Errorf("%+v", s)
	}
	if Descriptors() < 100 {
		t.Error(Descriptors())
	}
}
