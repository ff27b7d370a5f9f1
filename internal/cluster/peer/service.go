package peer

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/asctl/as/internal/autoscaling"
)

// Standing is what Raft says of this node.
type Standing struct {
	Voter    bool // in the latest configuration
	Term     uint64
	Follower bool
	Leader   string // id; empty: none known
	// Silence is how long a follower has heard nothing from a leader; 0 when it
	// has not heard from one yet.
	Silence time.Duration
	// LastTerm and LastIndex are of the last log entry.
	LastTerm, LastIndex uint64
}

// Config is what a Service needs of its node. The functions may be called from
// any goroutine.
type Config struct {
	Record autoscaling.Node
	Boot   string // different for each run of a process
	State  func() State
	Clock  func() time.Time
	// Dial connects to the node of that id, over a Channel.
	Dial func(ctx context.Context, id, address string) (net.Conn, error)

	Standing func() Standing
	Term     func() uint64        // that the node is in; 0: it takes no part in Raft
	Silence  func() time.Duration // Standing's, at less cost
	// Campaign sends Raft's TimeoutNow to this node.
	Campaign func() error

	Reports        func() []Report
	ReportsChanged <-chan struct{}

	// Parcel takes a parcel that another node sent and returns the reply. Nil: none
	// is taken.
	Parcel func(from string, parcel []byte) []byte

	Pace int // stretches the intervals and time-outs of pings and silence; 0: 1

	// Identity and Claim are of this node's data directory.
	Identity func() Identity
	Claim    func() Claim
	// Meet judges another node's directory. The error is why the two must not talk;
	// forgot is why the other's data is older than what this node saw of it. What
	// must be remembered of the other is durable when it returns.
	Meet func(other Identity, claim Claim) (forgot string, err error)
	// Greeted is called when the other node has remembered what was told of this
	// node's directory, Forgot when it found that this node's data is too old.
	Greeted func(id string, told Claim)
	Forgot  func(told Claim, why string)
	// Agree and Admit serve the requests of a founder and of a leader.
	Agree func(from string, f *Founding) error
	Admit func(from string, a *Admission) error
	// Voters are the ids of the nodes that vote. Nil: all.
	Voters func() map[string]bool

	// Fatal is called when the node must not go on.
	Fatal  func(error)
	Logger hclog.Logger
}

// Service is one node's side of the conversation with all others.
type Service struct {
	cfg    Config
	losses chan string // nodes whose process went, for the detector

	mu       sync.Mutex
	links    map[string]*link
	stops    map[string]context.CancelFunc
	running  context.Context
	received map[string]received // by node: the reports shipped to us
	problems map[string]string   // by node: why its link does not work
	watchers map[chan struct{}]struct{}

	wg sync.WaitGroup // links
}

// received is what a process shipped last.
type received struct {
	boot    string
	reports []Report
}

// New makes a service without peers; nothing runs yet.
func New(cfg Config) *Service {
	cfg.Pace = max(cfg.Pace, 1)
	return &Service{
		cfg:      cfg,
		losses:   make(chan string, 64),
		links:    map[string]*link{},
		stops:    map[string]context.CancelFunc{},
		received: map[string]received{},
		problems: map[string]string{},
		watchers: map[chan struct{}]struct{}{},
	}
}

// Run serves the listener's connections, keeps the links and watches for a dead
// leader until ctx ends.
func (s *Service) Run(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.wg.Wait()
	defer cancel()
	s.mu.Lock()
	s.running = ctx
	for id := range s.links {
		s.startLink(id)
	}
	s.mu.Unlock()

	var wg sync.WaitGroup
	wg.Go(func() { s.detect(ctx) })
	wg.Go(func() { s.shipOnChange(ctx) })
	err := s.serve(ctx, l)
	cancel()
	wg.Wait()
	s.wg.Wait()
	s.mu.Lock()
	s.running = nil
	for id, l := range s.links { // it may run again
		s.links[id] = newLink(s, id, l.peer.Address)
		delete(s.stops, id)
	}
	s.mu.Unlock()
	return err
}

// SetPeers says which other nodes there are: id to address.
func (s *Service) SetPeers(peers map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, l := range s.links {
		if peers[id] == l.peer.Address {
			continue
		}
		if stop := s.stops[id]; stop != nil {
			stop()
		}
		delete(s.links, id)
		delete(s.stops, id)
		delete(s.received, id)
		delete(s.problems, id)
	}
	for id, address := range peers {
		if s.links[id] == nil {
			s.links[id] = newLink(s, id, address)
			s.startLink(id)
		}
	}
}

// startLink is called with mu held.
func (s *Service) startLink(id string) {
	if s.running == nil || s.running.Err() != nil || s.stops[id] != nil {
		return
	}
	ctx, stop := context.WithCancel(s.running)
	s.stops[id] = stop
	l := s.links[id]
	s.wg.Go(func() {
		defer stop()
		l.run(ctx)
	})
}

func (s *Service) paced(d time.Duration) time.Duration { return d * time.Duration(max(1, s.cfg.Pace)) }

func (s *Service) link(id string) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[id]
}

// all are the links, by id.
func (s *Service) all() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	links := make([]*link, 0, len(s.links))
	for _, id := range slices.Sorted(maps.Keys(s.links)) {
		links = append(links, s.links[id])
	}
	return links
}

// Peers are the other nodes, by id.
func (s *Service) Peers() []Peer {
	links := s.all()
	peers := make([]Peer, len(links))
	for i, l := range links {
		peers[i] = l.snapshot()
	}
	return peers
}

// Peer answers one other node.
func (s *Service) Peer(id string) (Peer, bool) {
	l := s.link(id)
	if l == nil {
		return Peer{}, false
	}
	return l.snapshot(), true
}

// At returns the id of the node that has the address, empty when none has.
func (s *Service) At(address string) string {
	for _, p := range s.Peers() {
		if p.Address == address {
			return p.ID
		}
	}
	return ""
}

// Tried waits until each link has been tried once, at most for a time: then
// what can be known at once is known.
func (s *Service) Tried(ctx context.Context, atMost time.Duration) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	for _, l := range s.all() {
		select {
		case <-l.tried:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// WaitOpen waits until the node answers and takes part in Raft. It gives up, with
// false, when stop is closed or while, asked about every second, says no.
func (s *Service) WaitOpen(id string, stop <-chan struct{}, while func() bool) bool {
	if p, ok := s.Peer(id); !ok || p.takesPart() {
		return true
	}
	changed, done := s.Watch()
	defer done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if p, ok := s.Peer(id); !ok || p.takesPart() {
			return true
		}
		if !while() {
			return false
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-stop:
			return false
		}
	}
}

// Problems are the sentences about links that do not work for a reason that a
// person must mend, by node.
func (s *Service) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(s.problems)) {
		texts = append(texts, s.problems[id])
	}
	return texts
}

// problem notes what is wrong with a link; "" that nothing is.
func (s *Service) problem(id, text string) {
	s.mu.Lock()
	news := s.problems[id] != text
	if text == "" {
		delete(s.problems, id)
	} else {
		s.problems[id] = text
	}
	s.mu.Unlock()
	if news && text != "" {
		s.cfg.Logger.Error("cannot talk to a node", "node", id, "error", text)
	}
}

func (s *Service) fail(err error) { s.cfg.Fatal(err) }

func (s *Service) hello() hello {
	return hello{Record: s.cfg.Record, Boot: s.cfg.Boot, Identity: s.cfg.Identity(), Claim: s.cfg.Claim()}
}

// ledBy is the term when the node leads it, as Raft knows it here; else 0.
func (s *Service) ledBy(id string) uint64 {
	if st := s.cfg.Standing(); st.Leader == id {
		return st.Term
	}
	return 0
}

// lost tells the detector of a process that went. The channel is deep enough
// for every node of a cluster; what does not fit is found by time-outs.
func (s *Service) lost(id string) {
	select {
	case s.losses <- id:
	default:
	}
}

// Watch is signalled (capacity 1) when a node came, went, or changed, or
// reports arrived, until stop is called.
func (s *Service) Watch() (changed <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[ch] = struct{}{}
	s.mu.Unlock()
	return ch, func() {
		s.mu.Lock()
		delete(s.watchers, ch)
		s.mu.Unlock()
	}
}

func (s *Service) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Ping asks every node for its state now.
func (s *Service) Ping() {
	for _, l := range s.all() {
		select {
		case l.kick <- struct{}{}:
		default:
		}
	}
}
