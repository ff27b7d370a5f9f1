package peer

import (
	"context"
	"sync"
	"time"
)

const (
	// tooSilent is when a follower takes a leader that sends nothing for gone: one
	// and a half of Raft's heartbeat time-outs. A frozen or cut-off leader sends no
	// reset. Raft would find out between one and three, and then vote first on
	// whether to vote; a majority that has heard nothing for so long is the same
	// reason.
	tooSilent = 1500 * time.Millisecond
	// askTimeout bounds one round of questions. A busy machine answers late.
	askTimeout = 200 * time.Millisecond
	// laterCampaign is how long a node whose log is not the newest waits for the
	// one whose is.
	laterCampaign = 200 * time.Millisecond
	maxCampaigns  = 2
)

// rounds are the pauses before each round of questions: the others notice the
// same death within moments, and may still have entries of the dead one to store.
// After the last one Raft's time-outs rule.
var rounds = []time.Duration{
	0, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
	40 * time.Millisecond, 60 * time.Millisecond, 80 * time.Millisecond, 100 * time.Millisecond,
	200 * time.Millisecond, 300 * time.Millisecond,
}

// detect turns the death of the leader's process, or its silence, into a
// campaign.
func (s *Service) detect(ctx context.Context) {
	tick := time.NewTicker(s.paced(100 * time.Millisecond))
	defer tick.Stop()
	for {
		var id string
		select {
		case id = <-s.losses:
		case <-tick.C:
			if s.cfg.Silence() < s.paced(tooSilent) {
				continue
			}
		case <-ctx.Done():
			return
		}
		st := s.cfg.Standing()
		if id == "" {
			id = st.Leader
		}
		if id != "" && st.Voter && s.stillGone(id, st.Term) {
			s.leaderGone(ctx, id, st.Term)
		}
	}
}

// leaderGone campaigns when a majority finds the leader of the term gone, at
// once with the newest log among them, otherwise later, and only while this
// node is still a follower in that term. A broken link to a live leader is
// answered by the others with "not gone", and nothing happens.
func (s *Service) leaderGone(ctx context.Context, leader string, term uint64) {
	log := s.cfg.Logger.With("leader", leader, "term", term)
	log.Debug("the leader is gone from here")
	campaigns := 0
	var since time.Time // a majority finds it gone
	for _, pause := range rounds {
		if !wait(ctx, pause) || campaigns == maxCampaigns || !s.stillGone(leader, term) {
			return
		}
		majority, newest := s.askAll(ctx, leader, term)
		if !majority {
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		if !newest && time.Since(since) < laterCampaign {
			continue
		}
		if !s.stillGone(leader, term) {
			return
		}
		campaigns++
		log.Info("the leader is gone: campaigning", "try", campaigns, "newest", newest)
		if err := s.cfg.Campaign(); err != nil {
			log.Warn("could not campaign", "error", err)
		}
	}
}

// stillGone says whether the conditions of a campaign hold on this node.
func (s *Service) stillGone(leader string, term uint64) bool {
	st := s.cfg.Standing()
	return st.Follower && st.Voter && st.Term == term && st.Leader == leader && s.gone(leader, st)
}

// gone says whether this node finds the leader gone: its process does not exist,
// or it has been silent for too long.
func (s *Service) gone(leader string, st Standing) bool {
	l := s.link(leader)
	return l != nil && (l.goneIn(st.Term) || st.Silence >= s.paced(tooSilent))
}

// askAll asks all other voters. majority: with this node a majority of the voters
// of the latest configuration finds the leader gone. newest: no answer came from a better candidate.
func (s *Service) askAll(ctx context.Context, leader string, term uint64) (majority, newest bool) {
	links := s.voters()
	own := s.cfg.Standing()
	answers := make(chan bool, len(links)) // gone
	newest = true
	var mu sync.Mutex
	for _, l := range links {
		if l.id == leader {
			answers <- false
			continue
		}
		go func() {
			a, err := l.ask(ctx, askTimeout, ask{Leader: leader, Term: term})
			if err == nil && better(a, l.id, own, s.cfg.Record.ID) {
				mu.Lock()
				newest = false
				mu.Unlock()
			}
			answers <- err == nil && a.Gone
		}()
	}
	gone := 1
	for range links {
		if <-answers {
			gone++
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return gone > (len(links)+1)/2, newest
}

// better says whether the one that answered is the better candidate: a newer
// log, or the same and a lower id.
func better(a answer, id string, own Standing, ownID string) bool {
	if a.LastTerm != own.LastTerm {
		return a.LastTerm > own.LastTerm
	}
	if a.LastIndex != own.LastIndex {
		return a.LastIndex > own.LastIndex
	}
	return id < ownID
}

// answerAsk says whether this node finds the leader of that term gone, too. It
// may have stopped following it already.
func (s *Service) answerAsk(q ask) answer {
	st := s.cfg.Standing()
	follows := st.Leader == q.Leader || st.Leader == ""
	return answer{
		Gone:      st.Term == q.Term && follows && s.gone(q.Leader, st),
		LastTerm:  st.LastTerm,
		LastIndex: st.LastIndex,
	}
}

// wait answers false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
