package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// memberTimeout bounds what one node asks of another about membership: the other
// writes to its disk before it answers.
const memberTimeout = 3 * time.Second

// meet judges the node that said hello.
func (s *Service) meet(h hello) (forgot string, err error) {
	if h.Identity.Node == "" || h.Identity.Node != h.Record.ID {
		return "", fmt.Errorf("node %q at %s runs a version that does not tell its identity: "+
			"stop all nodes, then start all of them with this version", h.Record.ID, h.Record.RaftAddress)
	}
	return s.cfg.Meet(h.Identity, h.Claim)
}

// meetAnswer judges the node that answered a hello. That it forgot it learns on
// its own connection.
func (s *Service) meetAnswer(h hello) error {
	_, err := s.meet(h)
	return err
}

// Greet says hello to all nodes again, because this node's identity or claim has
// changed.
func (s *Service) Greet() {
	for _, l := range s.all() {
		select {
		case l.again <- struct{}{}:
		default:
		}
	}
}

// AskToFound asks a node to agree to a founding, and to store it.
func (s *Service) AskToFound(ctx context.Context, id string, f *Founding) error {
	return s.request(ctx, id, &request{Found: f})
}

// Admit tells a node that it may take part.
func (s *Service) Admit(ctx context.Context, id string, a *Admission) error {
	return s.request(ctx, id, &request{Admit: a})
}

func (s *Service) request(ctx context.Context, id string, req *request) error {
	l := s.link(id)
	if l == nil {
		return fmt.Errorf("node %q is not a peer", id)
	}
	c := l.connection()
	if c == nil {
		return net.ErrClosed
	}
	res, err := c.call(ctx, s.paced(memberTimeout), req)
	switch {
	case err != nil:
		return err
	case res.Refused != "":
		return errors.New(res.Refused)
	case !res.Done:
		return errors.New("no result in the answer to a request")
	}
	return nil
}

// Term asks a node for the term that it is in now.
func (s *Service) Term(ctx context.Context, id string) (uint64, error) {
	l := s.link(id)
	if l == nil {
		return 0, fmt.Errorf("node %q is not a peer", id)
	}
	c := l.connection()
	if c == nil {
		return 0, net.ErrClosed
	}
	res, err := c.call(ctx, s.paced(pingTimeout), &request{Term: true})
	switch {
	case err != nil:
		return 0, err
	case res.Term == 0:
		return 0, errors.New("the node takes no part in Raft")
	}
	return res.Term, nil
}

func (l *link) connection() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// voters are the links to the nodes that vote, by id.
func (s *Service) voters() []*link {
	links := s.all()
	if s.cfg.Voters == nil {
		return links
	}
	voters := s.cfg.Voters()
	return slices.DeleteFunc(links, func(l *link) bool { return !voters[l.id] })
}
