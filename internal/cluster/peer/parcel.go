package peer

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Others are the ids of the other nodes, in order.
func (s *Service) Others() []string {
	links := s.all()
	ids := make([]string, len(links))
	for i, l := range links {
		ids[i] = l.id
	}
	return ids
}

// SendParcel hands bytes, which mean nothing to this package, to another node and
// returns its reply; that of a node that knows no parcels is empty. A parcel
// shares the connection of the pings, so it must be small beside what a link
// carries in pingTimeout. It may have arrived although an error is returned.
func (s *Service) SendParcel(ctx context.Context, id string, parcel []byte, timeout time.Duration) ([]byte, error) {
	l := s.link(id)
	if l == nil {
		return nil, fmt.Errorf("node %q is no member", id)
	}
	c := l.connection()
	if c == nil {
		return nil, net.ErrClosed
	}
	res, err := c.call(ctx, timeout, &request{Parcel: parcel})
	if err != nil {
		return nil, err
	}
	return res.Parcel, nil
}

// takeParcel returns the reply to a parcel; empty: this node takes none.
func (s *Service) takeParcel(from string, parcel []byte) []byte {
	if s.cfg.Parcel == nil {
		return nil
	}
	return s.cfg.Parcel(from, parcel)
}
