package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"
)

func TestTheFirstByteTellsRaftFromPeer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := NewMux(l)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()

	dial := func(first string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		io.WriteString(c, first)
		return c
	}
	accept := func(l net.Listener, want string) {
		t.Helper()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Errorf("read %q, %v", got, err)
		}
	}
	silent := dial("") // must hold nobody up
	dial("Rraft")
	accept(m.Raft(), "raft")
	dial("Ppeer")
	accept(m.Peer(), "peer")

	stranger := dial("GET / HTTP/1.1\r\n")
	stranger.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := stranger.Read(make([]byte, 1)); err == nil {
		t.Error("a stranger was answered")
	}

	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, side := range []net.Listener{m.Raft(), m.Peer()} {
		if _, err := side.Accept(); err == nil {
			t.Error("accepted after the end")
		}
	}
	silent.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF && !isReset(err) {
		t.Errorf("the silent connection is still there: %v", err)
	}
}

func isReset(err error) bool {
	ne, ok := err.(net.Error)
	return ok && !ne.Timeout()
}

func TestOversizedAndBrokenMessagesAreRefused(t *testing.T) {
	huge := binary.BigEndian.AppendUint32(nil, maxMessage+1)
	for name, b := range map[string][]byte{
		"too large": huge,
		"cut":       {0, 0, 0, 9, 1},
		"no cbor":   {0, 0, 0, 2, 0xff, 0xff},
	} {
		if err := readMessage(bytes.NewReader(b), new(request)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	var buf bytes.Buffer
	if err := writeMessage(&buf, &request{Ping: &ping{Reports: []Report{{Pool: string(make([]byte, maxMessage+1))}}}}); err == nil {
		t.Error("an oversized message was written")
	}
}
