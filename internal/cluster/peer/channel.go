package peer

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// handshakeTimeout bounds the whole handshake at the accepting end.
const handshakeTimeout = 5 * time.Second

// Channel makes connections between nodes that both ends can trust: TLS 1.3
// with a certificate that exists only in this process, then a proof by each
// end, over that TLS connection and both identities, that it knows the cluster's
// secret. Then each end decides whether it accepts the other. Nothing is read
// for Raft or for the peer service before that.
type Channel struct {
	cfg    ChannelConfig
	client *tls.Config
	server *tls.Config
}

// ChannelConfig is what a Channel needs of its node.
type ChannelConfig struct {
	Secrets Secrets
	// Identity returns this node's identity as it is now.
	Identity func() Identity
	// Accept returns nil when a connection of the kind may be made with the
	// node, whichever end dialled; else the sentence for both ends. The identity
	// has been proved.
	Accept func(kind Kind, other Identity) error
}

// Conn is a connection to a node that has proved itself and was accepted.
type Conn struct {
	*tls.Conn
	raw net.Conn

	Kind  Kind
	Other Identity

	once   sync.Once
	closed func() // called once by Close; nil: nothing
}

// Close ends the connection at once: no farewell is written, which a full
// buffer could hold up.
func (c *Conn) Close() error {
	err := c.raw.Close()
	c.once.Do(func() {
		if c.closed != nil {
			c.closed()
		}
	})
	return err
}

// RefusedError is why one end does not accept the other. Only a person can mend
// it.
type RefusedError struct {
	Sentence string
}

func (e *RefusedError) Error() string { return e.Sentence }

func refusedf(format string, args ...any) error {
	return &RefusedError{Sentence: refusal(fmt.Sprintf(format, args...))}
}

// NewChannel makes the certificate; it opens nothing.
func NewChannel(cfg ChannelConfig) (*Channel, error) {
	certificate, err := ephemeralCertificate()
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	// The certificate proves nothing and is not looked at: the proofs over the
	// exporter do, and no other end can have the same exporter.
	common := tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"as-peer"},
		InsecureSkipVerify: true, SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
		CurvePreferences: []tls.CurveID{tls.X25519},
	}
	c := &Channel{cfg: cfg, client: common.Clone(), server: common.Clone()}
	c.server.Certificates = []tls.Certificate{certificate}
	c.server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if s, ok := hello.Conn.(*stranger); ok {
			s.advance(greeted)
		}
		return nil, nil
	}
	return c, nil
}

func ephemeralCertificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), // no clock is asked
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

// Dial makes the handshake on a connection that was dialled, and closes it when
// that fails. The other end must be the node that is named, unless id is empty.
func (c *Channel) Dial(ctx context.Context, raw net.Conn, kind Kind, id string) (*Conn, error) {
	return c.within(ctx, raw, func() (*Conn, error) {
		conn := tls.Client(raw, c.client)
		if err := conn.Handshake(); err != nil {
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		secret, err := exporter(conn)
		if err != nil {
			return nil, err
		}
		other, err := c.proveAsClient(conn, secret, kind, target{id: id, address: raw.RemoteAddr().String()})
		if err != nil {
			return nil, err
		}
		return &Conn{Conn: conn, raw: raw, Kind: kind, Other: other}, nil
	})
}

// accept makes the handshake on a connection that was accepted, and closes it
// when that fails.
func (c *Channel) accept(ctx context.Context, raw net.Conn) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	return c.within(ctx, raw, func() (*Conn, error) {
		conn := tls.Server(raw, c.server)
		if err := conn.Handshake(); err != nil {
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		if s, ok := raw.(*stranger); ok {
			s.advance(encrypted)
		}
		secret, err := exporter(conn)
		if err != nil {
			return nil, err
		}
		kind, other, err := c.proveAsServer(conn, secret)
		if err != nil {
			return nil, err
		}
		return &Conn{Conn: conn, raw: raw, Kind: kind, Other: other}, nil
	})
}

// within makes a handshake that ends with ctx.
func (c *Channel) within(ctx context.Context, raw net.Conn, handshake func() (*Conn, error)) (*Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		raw.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	conn, err := handshake()
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	raw.SetDeadline(time.Time{})
	return conn, nil
}

// exporter returns what the two ends of this TLS connection share, and no other
// two do.
func exporter(conn *tls.Conn) ([]byte, error) {
	state := conn.ConnectionState()
	return state.ExportKeyingMaterial(exporterName, nil, exporterSize)
}
