package peer

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
)

func TestTheBetterCandidateHasTheNewerLogThenTheLowerID(t *testing.T) {
	own := Standing{LastTerm: 5, LastIndex: 100}
	for name, c := range map[string]struct {
		a    answer
		id   string
		want bool
	}{
		"newer term":   {answer{LastTerm: 6, LastIndex: 1}, "n3", true},
		"older term":   {answer{LastTerm: 4, LastIndex: 200}, "n1", false},
		"newer index":  {answer{LastTerm: 5, LastIndex: 101}, "n3", true},
		"older index":  {answer{LastTerm: 5, LastIndex: 99}, "n1", false},
		"tie, lower":   {answer{LastTerm: 5, LastIndex: 100}, "n1", true},
		"tie, greater": {answer{LastTerm: 5, LastIndex: 100}, "n3", false},
	} {
		if got := better(c.a, c.id, own, "n2"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// lonely is a service whose other two nodes are the leader n1, gone or not, and
// n3, which does not answer.
func lonely(t *testing.T, st *Standing, gone bool) (*Service, *int) {
	campaigns := new(int)
	s := New(Config{
		Record: autoscaling.Node{ID: "n2"}, Standing: func() Standing { return *st },
		Silence:  func() time.Duration { return st.Silence },
		Campaign: func() error { *campaigns++; return nil }, Logger: hclog.NewNullLogger(),
	})
	s.SetPeers(map[string]string{"n1": "n1:1", "n3": "n3:1"})
	s.link("n1").peer.Gone = gone
	return s, campaigns
}

func TestOneNodeAloneNeverCampaigns(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		st := &Standing{Voter: true, Term: 7, Follower: true, Leader: "n1", Silence: time.Hour}
		s, campaigns := lonely(t, st, true)
		s.leaderGone(context.Background(), "n1", 7)
		if *campaigns != 0 {
			t.Errorf("%d campaigns", *campaigns)
		}
	})
}

func TestWhatANodeAnswersOfTheLeader(t *testing.T) {
	for name, c := range map[string]struct {
		st   Standing
		gone bool
		want bool
	}{
		"its process is gone":               {Standing{Term: 7, Leader: "n1"}, true, true},
		"it is alive":                       {Standing{Term: 7, Leader: "n1"}, false, false},
		"it is silent":                      {Standing{Term: 7, Leader: "n1", Silence: 2 * time.Second}, false, true},
		"it was silent a moment":            {Standing{Term: 7, Leader: "n1", Silence: time.Second}, false, false},
		"it is not followed any more":       {Standing{Term: 7, Leader: "", Silence: 2 * time.Second}, false, true},
		"it was never heard of":             {Standing{Term: 7, Leader: ""}, false, false},
		"the term is another":               {Standing{Term: 8, Leader: "n1"}, true, false},
		"the leader is another":             {Standing{Term: 7, Leader: "n3"}, true, false},
		"another leader, and this one mute": {Standing{Term: 7, Leader: "n3", Silence: 2 * time.Second}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			st := c.st
			st.LastTerm, st.LastIndex = 6, 60
			s, _ := lonely(t, &st, c.gone)
			a := s.answerAsk(ask{Leader: "n1", Term: 7})
			if a.Gone != c.want || a.LastTerm != 6 || a.LastIndex != 60 {
				t.Errorf("%+v", a)
			}
		})
	}
}
