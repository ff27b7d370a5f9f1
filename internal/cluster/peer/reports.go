package peer

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// ping is the next ping of a link. All reports go along when the other leads
// and does not have them yet.
func (s *Service) ping(l *link) *ping {
	if s.cfg.Reports == nil || s.cfg.Standing().Leader != l.id {
		return &ping{}
	}
	reports := slices.SortedFunc(slices.Values(s.cfg.Reports()), func(a, b Report) int { return strings.Compare(a.Pool, b.Pool) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shipped && slices.EqualFunc(l.reports, reports, sameReport) {
		return &ping{}
	}
	return &ping{Reports: reports, Shipped: true}
}

func sameReport(a, b Report) bool {
	return a.Pool == b.Pool && a.Index == b.Index && maps.Equal(a.Open, b.Open)
}

// minShipping is the least time between two shipments of changed reports.
const minShipping = 10 * time.Millisecond

// shipOnChange pings the leader when this node's reports changed.
func (s *Service) shipOnChange(ctx context.Context) {
	for {
		select {
		case <-s.cfg.ReportsChanged: // blocks for ever when nil
		case <-ctx.Done():
			return
		}
		s.notify() // our own reports are among those that Reports answers
		if l := s.link(s.cfg.Standing().Leader); l != nil {
			select {
			case l.kick <- struct{}{}:
			default:
			}
		}
		select {
		case <-time.After(minShipping):
		case <-ctx.Done():
			return
		}
	}
}

// receive keeps the reports that a node shipped.
func (s *Service) receive(from hello, p *ping) {
	if !p.Shipped || from.Record.ID == "" {
		return
	}
	s.mu.Lock()
	s.received[from.Record.ID] = received{boot: from.Boot, reports: p.Reports}
	s.mu.Unlock()
	s.notify()
}

// PoolReports are the reports of all nodes that serve the pool or may do so,
// by node, this one included.
func (s *Service) PoolReports(pool string) []NodeReport {
	var out []NodeReport
	if s.cfg.Reports != nil {
		own := NodeReport{Node: s.cfg.Record.ID, Reachable: true}
		if own.fill(s.cfg.Reports(), pool) {
			out = append(out, own)
		}
	}
	for _, l := range s.all() {
		l.mu.Lock()
		up, boot := l.peer.Up, l.boot
		l.mu.Unlock()
		s.mu.Lock()
		got, any := s.received[l.id]
		s.mu.Unlock()
		r := NodeReport{Node: l.id, Reachable: up}
		switch {
		case any && got.boot == boot:
			if !r.fill(got.reports, pool) {
				continue // it serves other pools
			}
		case !up:
			continue // nothing is known, and nobody can ask
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b NodeReport) int { return strings.Compare(a.Node, b.Node) })
	return out
}

// fill takes over the pool's report; it answers false when there is none.
func (r *NodeReport) fill(reports []Report, pool string) bool {
	i := slices.IndexFunc(reports, func(p Report) bool { return p.Pool == pool })
	if i < 0 {
		return false
	}
	r.Reported, r.Index, r.Open = true, reports[i].Index, reports[i].Open
	return true
}
