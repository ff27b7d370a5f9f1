package peer

import (
	"errors"
	"fmt"
	"io"
)

// target is the node that a client means to reach. An empty id: any.
type target struct{ id, address string }

// proveAsClient speaks first and proves first: anybody can make a server speak,
// and a proof is something to guess secrets against.
func (c *Channel) proveAsClient(conn io.ReadWriter, exporter []byte, kind Kind, to target) (Identity, error) {
	t := transcript{exporter: exporter}
	var err error
	if t.client, err = sendHandshake(conn, &opening{Version: protocolVersion, Kind: kind, Identity: c.cfg.Identity()}); err != nil {
		return Identity{}, err
	}
	var theirs opening
	if t.server, err = receiveHandshake(conn, &theirs); err != nil {
		return Identity{}, err
	}
	if err := theirs.check(); err != nil {
		return Identity{}, &RefusedError{Sentence: err.Error()}
	}
	if _, err := sendHandshake(conn, &verdict{Proof: t.prove(c.cfg.Secrets.all()[0], asClient)}); err != nil {
		return Identity{}, err
	}
	var v verdict
	if _, err := receiveHandshake(conn, &v); err != nil {
		return Identity{}, err
	}
	switch {
	case !t.proved(c.cfg.Secrets, asServer, v.Proof):
		if v.Refused != "" {
			return Identity{}, refusedf("%s refuses this node: %s", to.address, v.Refused)
		}
		return Identity{}, refusedf("%s did not prove that it knows the cluster's secret: cluster-secret must be the same on all nodes", to.address)
	case v.Refused != "":
		return Identity{}, refusedf("%s", v.Refused)
	}
	err = c.judge(kind, theirs.Identity)
	if to.id != "" && theirs.Identity.Node != to.id {
		err = fmt.Errorf("node %q is expected at %s, and node %q is there", to.id, to.address, theirs.Identity.Node)
	}
	return theirs.Identity, tell(conn, verdict{}, err)
}

func (c *Channel) proveAsServer(conn io.ReadWriter, exporter []byte) (Kind, Identity, error) {
	t := transcript{exporter: exporter}
	var err error
	var theirs opening
	if t.client, err = receiveHandshake(conn, &theirs); err != nil {
		return 0, Identity{}, err
	}
	// An opening that cannot be is refused with the verdict, after ours: so the
	// other end learns why.
	unfit := theirs.check()
	if t.server, err = sendHandshake(conn, &opening{Version: protocolVersion, Kind: theirs.Kind, Identity: c.cfg.Identity()}); err != nil {
		return 0, Identity{}, err
	}
	var v verdict
	if _, err := receiveHandshake(conn, &v); err != nil {
		return 0, Identity{}, err
	}
	if !t.proved(c.cfg.Secrets, asClient, v.Proof) {
		return 0, Identity{}, tell(conn, verdict{}, errors.New("the cluster's secret is another one here: cluster-secret must be the same on all nodes"))
	}
	if unfit == nil {
		unfit = c.judge(theirs.Kind, theirs.Identity)
	}
	proof := t.prove(c.cfg.Secrets.all()[0], asServer)
	if err := tell(conn, verdict{Proof: proof}, unfit); err != nil {
		return 0, Identity{}, err
	}
	var last verdict
	if _, err := receiveHandshake(conn, &last); err != nil {
		return 0, Identity{}, err
	}
	if last.Refused != "" {
		return 0, Identity{}, refusedf("%s", last.Refused)
	}
	return theirs.Kind, theirs.Identity, nil
}

// judge decides about an identity that has been proved.
func (c *Channel) judge(kind Kind, other Identity) error {
	if own := c.cfg.Identity(); kind == KindRaft && own.Node == other.Node {
		return fmt.Errorf("node id %q is in use by two processes", other.Node)
	}
	return c.cfg.Accept(kind, other)
}

// tell sends the verdict with the reason of a refusal, which it returns.
func tell(conn io.Writer, v verdict, refused error) error {
	if refused != nil {
		v.Refused = refusal(refused.Error())
	}
	if _, err := sendHandshake(conn, &v); err != nil {
		return err
	}
	if refused != nil {
		return &RefusedError{Sentence: v.Refused}
	}
	return nil
}
