package cluster

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/bubble"
)

func TestConnectionsAreReadyBeforeTheyAreNeeded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards what the test and keep share
		far := map[string][]net.Conn{}
		failing := false
		r := newReady(func(_ context.Context, address string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if failing {
				return nil, errors.New("refused")
			}
			a, b := net.Pipe()
			far[address] = append(far[address], b)
			return a, nil
		})
		addresses := []string{"n1", "n2"}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			r.keep(ctx, func() []string { mu.Lock(); defer mu.Unlock(); return addresses })
			close(ended)
		}()
		dialled := func(n1, n2 int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(far["n1"]) != n1 || len(far["n2"]) != n2 {
				t.Errorf("dialled were %d and %d, want %d and %d", len(far["n1"]), len(far["n2"]), n1, n2)
			}
		}
		end := func(address string, i int) net.Conn { mu.Lock(); defer mu.Unlock(); return far[address][i] }
		dialled(readyConns, readyConns)
		conn := r.take("n1")
		if conn == nil {
			t.Fatal("none was ready")
		}
		go end("n1", 0).Write([]byte("x"))
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil || b[0] != 'x' {
			t.Errorf("read %q, %v", b, err)
		}
		dialled(readyConns+1, readyConns) // another took its place at once

		// Those that broke are neither handed out nor kept, and are replaced.
		fail := func(is bool) { mu.Lock(); defer mu.Unlock(); failing = is }
		fail(true)
		end("n1", 1).Close()
		end("n1", 2).Write([]byte("out of turn"))
		if conn := r.take("n1"); conn != nil {
			t.Error("a connection that has ended was handed out")
		}
		fail(false)
		time.Sleep(2 * readyEvery)
		dialled(2*readyConns+1, readyConns)

		mu.Lock()
		addresses = addresses[:1]
		mu.Unlock()
		time.Sleep(2 * readyEvery)
		if _, err := end("n2", 0).Read(make([]byte, 1)); err == nil {
			t.Error("a connection to a node that is gone is still there")
		}
		stop()
		<-ended
		if r.take("n1") != nil {
			t.Error("a connection was left at the end")
		}
	})
}
