package cluster_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// plainText is how Raft spoke before connections were authenticated: one byte
// that says "Raft", then messages.
type plainText struct {
	host   *clustertest.Host
	closed chan struct{}
}

func (p plainText) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := p.host.Dial(ctx, string(to))
	if err != nil {
		return nil, err
	}
	_, err = conn.Write([]byte{'R'})
	return conn, err
}

func (p plainText) Accept() (net.Conn, error) { <-p.closed; return nil, net.ErrClosed }
func (p plainText) Close() error              { close(p.closed); return nil }
func (p plainText) Addr() net.Addr            { return &net.TCPAddr{} }

// An outsider that reaches the Raft address sends what a leader of a later term
// would send: an entry of its own in the place of one that is committed.
func TestForgedEntriesFromOutsideChangeNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader := c.Leader()
		c.Write(put("x", "1"))
		c.Write(put("x", "2"))
		c.EnsureSame()
		before, _ := leader.Leader()
		victim := c.Followers()[0]

		transport := raft.NewNetworkTransportWithLogger(
			plainText{host: c.Network.Host("outsider"), closed: make(chan struct{})}, 1, time.Second, hclog.NewNullLogger())
		defer transport.Close()
		forged := &raft.AppendEntriesRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n9"), Addr: []byte("outsider:7490")},
			Term:      before.Term + 5,
			Entries:   []*raft.Log{{Index: 3, Term: before.Term + 5, Type: raft.LogCommand, Data: []byte("junk")}},
		}
		var answer raft.AppendEntriesResponse
		err := transport.AppendEntries(raft.ServerID(victim.ID), raft.ServerAddress(victim.Address), forged, &answer)
		if err == nil {
			t.Errorf("the forged message was answered: %+v", answer)
		}
		time.Sleep(10 * time.Second)
		if after, ok := leader.Leader(); !ok || after != before {
			t.Errorf("the leader was %+v, then %+v", before, after)
		}
		c.Write(put("y", "1"))
		c.EnsureSame()
		if got := version(victim.View(), "x"); got != "2" {
			t.Errorf("the acknowledged write is %q", got)
		}
	})
}
