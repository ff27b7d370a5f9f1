package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// serve answers the other nodes until ctx ends.
func (s *Service) serve(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil // the mux has ended, and says why if it should not have
			}
			return fmt.Errorf("accept peers: %w", err)
		}
		wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			defer conn.Close()
			if peer, ok := conn.(*Conn); ok {
				s.answerAll(ctx, peer, peer.Other.Node)
			}
		})
	}
}

// answerAll answers the requests of one connection, of the node other, until it
// breaks. An error needs no report here: the other end dials again and knows why.
func (s *Service) answerAll(ctx context.Context, conn net.Conn, other string) {
	in := bufio.NewReader(conn)
	var from hello
	for {
		req := new(request)
		if err := readMessage(in, req); err != nil {
			return
		}
		res := new(response)
		switch {
		case req.Hello != nil && req.Hello.Record.ID != other:
			res.Refused = fmt.Sprintf("node %q has proved to be node %q", req.Hello.Record.ID, other)
		case req.Hello != nil:
			if *res = s.answerHello(ctx, *req.Hello); res.Hello != nil {
				from = *req.Hello
			}
		case req.Ping != nil:
			s.receive(from, req.Ping)
			state := s.cfg.State()
			res.Pong = &state
		case req.Term:
			res.Term = s.cfg.Term()
		case req.Ask != nil:
			a := s.answerAsk(*req.Ask)
			res.Answer = &a
		case req.Found != nil:
			*res = done(s.cfg.Agree(from.Record.ID, req.Found))
		case req.Admit != nil:
			*res = done(s.cfg.Admit(from.Record.ID, req.Admit))
		case req.Parcel != nil && from.Record.ID != "":
			res.Parcel = s.takeParcel(from.Record.ID, req.Parcel)
		}
		conn.SetWriteDeadline(time.Now().Add(pingTimeout))
		if err := writeMessage(conn, res); err != nil {
			return
		}
	}
}

func (s *Service) answerHello(ctx context.Context, from hello) response {
	own := s.hello()
	id := from.Record.ID
	if id == own.Record.ID && from.Boot != own.Boot {
		return duplicate(id, own.Record.RaftAddress)
	}
	forgot, err := s.meet(from)
	if err != nil {
		s.problem(id, err.Error())
		return response{Refused: err.Error()}
	}
	l := s.link(id)
	if l != nil {
		if l.answersBesides(ctx, from.Boot) {
			return duplicate(id, l.snapshot().Address)
		}
		select {
		case l.called <- struct{}{}:
		default:
		}
		if forgot != "" {
			from.Claim.Forgot = forgot
		}
		l.learn(from)
	}
	return response{Hello: &own, Forgot: forgot}
}

// done answers what a node was asked to do.
func done(err error) response {
	if err != nil {
		return response{Refused: err.Error()}
	}
	return response{Done: true}
}

func duplicate(id, address string) response {
	return response{Duplicate: true, Refused: fmt.Sprintf("node id %q is in use by another process at %s", id, address)}
}
