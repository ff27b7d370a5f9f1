package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
)

const testSecret = "a secret of the tests' cluster"

func secrets(t testing.TB, lines ...string) Secrets {
	t.Helper()
	if len(lines) == 0 {
		return Secrets{}
	}
	s, err := ParseSecrets(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// node makes the channel of a node of cluster c1.
func node(t testing.TB, id string, s Secrets) *Channel {
	return nodeAs(t, Identity{Cluster: "c1", Lineage: "l1", Node: id, Directory: "d-" + id}, s)
}

func nodeAs(t testing.TB, own Identity, s Secrets) *Channel {
	t.Helper()
	c, err := NewChannel(ChannelConfig{
		Secrets: s, Identity: func() Identity { return own },
		Accept: func(_ Kind, other Identity) error { return own.Accepts(other) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is what one end of a handshake got.
type outcome struct {
	conn *Conn
	err  error
}

// shake makes a handshake between two nodes over the two ends of a connection.
func shake(client, server *Channel, kind Kind, id string, near, far net.Conn) (dialled, accepted outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { accepted.conn, accepted.err = server.accept(ctx, far) })
	dialled.conn, dialled.err = client.Dial(ctx, near, kind, id)
	wg.Wait()
	return dialled, accepted
}

func TestNodesProveThemselvesToEachOther(t *testing.T) {
	for _, kind := range []Kind{KindRaft, KindPeer} {
		near, far := net.Pipe()
		dialled, accepted := shake(node(t, "n1", secrets(t, testSecret)), node(t, "n2", secrets(t, testSecret)), kind, "n2", near, far)
		if dialled.err != nil || accepted.err != nil {
			t.Fatal(dialled.err, accepted.err)
		}
		if accepted.conn.Kind != kind || accepted.conn.Other.Node != "n1" || dialled.conn.Other.Node != "n2" {
			t.Errorf("dialled %+v, accepted %v of %+v", dialled.conn.Other, accepted.conn.Kind, accepted.conn.Other)
		}
		if v := dialled.conn.ConnectionState().Version; v != tls.VersionTLS13 {
			t.Errorf("TLS version %x", v)
		}
		go dialled.conn.Write([]byte("hello"))
		got := make([]byte, 5)
		if _, err := io.ReadFull(accepted.conn, got); err != nil || string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
		dialled.conn.Close()
		accepted.conn.Close()
	}
}

func TestWhatIsRefusedSaysWhyAtBothEnds(t *testing.T) {
	other := func(cluster, lineage, id string) func(testing.TB) *Channel {
		return func(t testing.TB) *Channel {
			own := Identity{Lineage: lineage, Node: id, Directory: "d"}
			own.Cluster = "c1"
			if cluster != "" {
				own.Cluster = "c2"
			}
			return nodeAs(t, own, secrets(t, testSecret))
		}
	}
	withSecret := func(lines ...string) func(testing.TB) *Channel {
		return func(t testing.TB) *Channel { return node(t, "n2", secrets(t, lines...)) }
	}
	for name, tt := range map[string]struct {
		other func(testing.TB) *Channel
		want  string
	}{
		"another secret":   {withSecret("not the secret of the cluster"), "cluster-secret must be the same"},
		"truncated secret": {withSecret(testSecret[:len(testSecret)-1]), "cluster-secret must be the same"},
		"no secret":        {withSecret(), "cluster-secret must be the same"},
		"another cluster":  {other("c2", "l1", "n2"), "they do not talk to each other"},
		"another lineage":  {other("", "l2", "n2"), "do not have the same beginning"},
		"our own id":       {other("", "l1", "n1"), `node id "n1" is in use by two processes`},
		"unfit identity":   {other("", "l 1\n", "n2"), "visible ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			us, them := node(t, "n1", secrets(t, testSecret)), tt.other(t)
			for way, pair := range map[string][2]*Channel{"we dial": {us, them}, "they dial": {them, us}} {
				near, far := net.Pipe()
				dialled, accepted := shake(pair[0], pair[1], KindRaft, "", near, far)
				for end, err := range map[string]error{"dialling": dialled.err, "accepting": accepted.err} {
					refused := new(RefusedError)
					if name == "unfit identity" && !errors.As(err, &refused) {
						continue // the end that refuses an opening hangs up
					}
					if !errors.As(err, &refused) || !strings.Contains(refused.Sentence, tt.want) {
						t.Errorf("%s, at the %s end: %v, want it to say %q", way, end, err, tt.want)
					}
				}
			}
		})
	}
}

func TestAnotherNodeAtTheAddressIsRefusedAtBothEnds(t *testing.T) {
	near, far := net.Pipe()
	dialled, accepted := shake(node(t, "n1", secrets(t, testSecret)), node(t, "n3", secrets(t, testSecret)), KindRaft, "n2", near, far)
	for _, err := range []error{dialled.err, accepted.err} {
		if err == nil || !strings.Contains(err.Error(), `node "n2" is expected at pipe, and node "n3" is there`) {
			t.Errorf("got %v", err)
		}
	}
}

// recorder keeps what is written to a connection.
type recorder struct {
	net.Conn
	written bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	r.written.Write(b)
	return r.Conn.Write(b)
}

func TestAReplayedHandshakeIsRefused(t *testing.T) {
	client, server := node(t, "n1", secrets(t, testSecret)), node(t, "n2", secrets(t, testSecret))
	near, far := net.Pipe()
	recorded := &recorder{Conn: near}
	if dialled, accepted := shake(client, server, KindRaft, "n2", recorded, far); dialled.err != nil || accepted.err != nil {
		t.Fatal(dialled.err, accepted.err)
	}
	near, far = net.Pipe()
	go io.Copy(io.Discard, near)
	go near.Write(recorded.written.Bytes())
	if _, err := server.accept(context.Background(), far); err == nil {
		t.Error("recorded bytes passed for a node")
	}
}

// The server knows no secret: it opens as the client did, and sends the client's
// own proof back.
func TestAReflectedProofIsRefused(t *testing.T) {
	client, server := node(t, "n1", secrets(t, testSecret)), node(t, "n2", secrets(t))
	near, far := net.Pipe()
	go func() {
		conn := tls.Server(far, server.server)
		for range 2 {
			var head [2]byte
			if _, err := io.ReadFull(conn, head[:]); err != nil {
				return
			}
			body := make([]byte, int(head[0])<<8|int(head[1]))
			io.ReadFull(conn, body)
			conn.Write(append(head[:], body...))
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := client.Dial(ctx, near, KindPeer, "")
	if err == nil || !strings.Contains(err.Error(), "did not prove") {
		t.Errorf("got %v", err)
	}
}

// A man in the middle has a TLS connection with each end, and passes on what
// both say inside.
func TestAManInTheMiddleIsFoundOut(t *testing.T) {
	client, server := node(t, "n1", secrets(t, testSecret)), node(t, "n2", secrets(t, testSecret))
	middle := node(t, "n9", secrets(t))
	near, fromClient := net.Pipe()
	toServer, far := net.Pipe()
	go func() {
		up, down := tls.Server(fromClient, middle.server), tls.Client(toServer, middle.client)
		go io.Copy(down, up)
		io.Copy(up, down)
	}()
	dialled, accepted := shake(client, server, KindRaft, "n2", near, far)
	if dialled.err == nil || accepted.err == nil {
		t.Errorf("dialled: %v, accepted: %v", dialled.err, accepted.err)
	}
}

func TestSilenceEndsAHandshake(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, conn net.Conn){
		"nothing said":       func(*testing.T, net.Conn) {},
		"a part of a record": func(_ *testing.T, conn net.Conn) { conn.Write([]byte{22, 3, 1, 2, 0, 1}) },
		"TLS and no more": func(t *testing.T, conn net.Conn) {
			if err := tls.Client(conn, node(t, "n9", secrets(t)).client).Handshake(); err != nil {
				t.Error(err)
			}
		},
		"a byte a second": func(_ *testing.T, conn net.Conn) {
			for b := []byte{22, 3, 1, 2, 0, 1}; ; time.Sleep(time.Second) {
				if _, err := conn.Write(b[:1]); err != nil || len(b) == 1 {
					return
				}
				b = b[1:]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				go start(t, near)
				began := time.Now()
				if _, err := node(t, "n1", secrets(t, testSecret)).accept(context.Background(), far); err == nil {
					t.Error("accepted")
				}
				if took := time.Since(began); took != handshakeTimeout {
					t.Errorf("it took %s", took)
				}
				near.Close()
			})
		})
	}
}

func TestSecretsAreReplacedOneNodeAfterAnother(t *testing.T) {
	const before, after = "the secret that was before", "the secret that comes after"
	steps := [][]string{{before}, {before, after}, {after, before}, {after}}
	works := func(a, b []string) bool {
		near, far := net.Pipe()
		dialled, accepted := shake(node(t, "n1", secrets(t, a...)), node(t, "n2", secrets(t, b...)), KindPeer, "n2", near, far)
		return dialled.err == nil && accepted.err == nil
	}
	for i := range steps {
		for j := range steps {
			if want := max(i-j, j-i) <= 1; works(steps[i], steps[j]) != want {
				t.Errorf("nodes at the steps %d and %d: connected is not %v", i, j, want)
			}
		}
	}
}

func TestSecretsThatCannotBeAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "no secret in it",
		" \n\n":                          "no secret in it",
		"short":                          "line 1 has 5 characters: at least 16",
		testSecret + "\nshort\n":         "line 2 has 5 characters: at least 16",
		strings.Repeat("x", maxSecret+1): "at most 1024",
		strings.Repeat(testSecret+"\n", 1+maxSecrets): "more than 16 secrets",
	} {
		if _, err := ParseSecrets(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want it to say %q", text, err, want)
		}
	}
}
