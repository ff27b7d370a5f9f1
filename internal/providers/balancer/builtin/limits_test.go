package builtin

import (
	"net"
	"testing"
)

// One client that opens connections and says nothing leaves room for the others.
func TestOneSourceCannotTakeAPoolsConnections(t *testing.T) {
	s := serve(t, PoolConfig{Mode: ModeHTTP, MaxConnections: 8})
	until(t, s, "it listens", func() bool { return s.Addr(web) != "" })
	for range 20 {
		c, err := net.Dial("tcp", s.Addr(web))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")) // the surplus is closed
	}
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.9")}}
	c, err := other.Dial("tcp", s.Addr(web))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 64)); n == 0 {
		t.Errorf("another source is not served: %v", err)
	}
}
