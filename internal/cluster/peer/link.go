package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

const (
	pingEvery    = 250 * time.Millisecond
	pingTimeout  = 2 * time.Second
	dialTimeout  = time.Second
	helloTimeout = time.Second
	// minBackoff is short because a dying process may close its listener a
	// moment after our connection; maxBackoff bounds how late a node is found.
	minBackoff = time.Millisecond
	maxBackoff = 200 * time.Millisecond
	// refusedBackoff bounds what two nodes spend on handshakes that one refuses.
	refusedBackoff = time.Second
)

// Peer is what is known of another node.
type Peer struct {
	ID      string
	Address string
	Up      bool // it answers
	// Gone says that its process does not exist: the last dial was refused.
	Gone        bool
	Known       bool // it has been heard of at least once; the rest is valid
	Record      autoscaling.Node
	State       State
	Measured    bool // Skew was, on the connection that there is
	Identity    Identity
	Claim       Claim
	Skew        time.Duration // its wall clock minus ours
	LastContact time.Time     // our wall clock
	UpSince     time.Time     // when it last began to answer
}

// takesPart reports whether messages of Raft reach it.
func (p Peer) takesPart() bool { return p.Up && p.Claim.Open && p.State.Mute == "" }

// link is our connection to one other node, dialled again for ever.
type link struct {
	service *Service
	id      string
	kick    chan struct{} // ping now
	again   chan struct{} // say hello again: this node's identity or claim changed
	called  chan struct{} // the other has dialled us: it is there
	tried   chan struct{} // closed when the first attempt has ended, one way or the other

	mu      sync.Mutex
	peer    Peer
	boot    string
	conn    *conn
	reports []Report // of this node, as the other was last told on this connection
	shipped bool
	// restartedIn is the term in which the process was seen to have been
	// replaced while it led: whoever leads that term is gone.
	restartedIn uint64
}

func newLink(s *Service, id, address string) *link {
	return &link{
		service: s, id: id,
		kick:   make(chan struct{}, 1),
		again:  make(chan struct{}, 1),
		called: make(chan struct{}, 1),
		tried:  make(chan struct{}),
		peer:   Peer{ID: id, Address: address},
	}
}

func (l *link) snapshot() Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer
}

// goneIn says whether the process that led the term is known to be no more, or
// says itself that it takes no part.
func (l *link) goneIn(term uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer.Gone || l.peer.State.Mute != "" || (l.restartedIn == term && term != 0)
}

// run keeps the link until ctx ends.
func (l *link) run(ctx context.Context) {
	var once sync.Once
	attempted := func() { once.Do(func() { close(l.tried) }) }
	defer attempted()
	backoff := minBackoff
	for ctx.Err() == nil {
		start := time.Now()
		greeted, err := l.attempt(ctx, attempted)
		attempted()
		if greeted && time.Since(start) > maxBackoff {
			backoff = minBackoff
			continue // at once: it tells a dead process from a broken connection
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			l.markGone()
		}
		longest := maxBackoff
		if refused := new(RefusedError); errors.As(err, &refused) {
			longest = refusedBackoff
		}
		select {
		case <-time.After(backoff):
			backoff = min(2*backoff, longest)
		case <-l.called:
			backoff = minBackoff
		case <-ctx.Done():
		}
	}
}

// attempt dials, greets and pings until the connection breaks. It says whether
// the other was greeted.
func (l *link) attempt(ctx context.Context, attempted func()) (bool, error) {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	raw, err := l.service.cfg.Dial(dialing, l.id, l.snapshot().Address)
	cancel()
	if err != nil {
		if refused := new(RefusedError); errors.As(err, &refused) {
			l.service.problem(l.id, refused.Sentence)
		}
		return false, err
	}
	c := newConn(raw)
	defer c.close()
	if err := l.greet(ctx, c); err != nil {
		return false, err
	}
	attempted()
	defer l.markDown()
	return true, l.keep(ctx, c)
}

// greet exchanges hellos.
func (l *link) greet(ctx context.Context, c *conn) error {
	own := l.service.hello()
	res, err := c.call(ctx, helloTimeout, &request{Hello: &own})
	if err != nil {
		return err
	}
	switch {
	case res.Duplicate:
		l.service.fail(fmt.Errorf("%s (told by node %q at %s)", res.Refused, l.id, l.peer.Address))
		return errors.New(res.Refused)
	case res.Refused != "":
		l.service.problem(l.id, res.Refused)
		return errors.New(res.Refused)
	case res.Hello == nil:
		return errors.New("no hello in the answer to a hello")
	case res.Hello.Record.ID != l.id:
		err := fmt.Errorf("address %s of node %q is answered by node %q", l.peer.Address, l.id, res.Hello.Record.ID)
		l.service.problem(l.id, err.Error())
		return err
	}
	if err := l.meet(own, res); err != nil {
		l.service.problem(l.id, err.Error())
		return err
	}
	l.service.problem(l.id, "")
	l.markUp(c, *res.Hello)
	if res.Forgot == "" && res.Hello.Claim.HasData() { // what has no data remembers nothing
		l.service.cfg.Greeted(l.id, own.Claim)
	}
	return nil
}

// meet judges the answer to a hello.
func (l *link) meet(own hello, res *response) error {
	if res.Forgot != "" {
		l.service.cfg.Forgot(own.Claim, res.Forgot)
	}
	return l.service.meetAnswer(*res.Hello)
}

// keep pings until the connection breaks or ctx ends.
func (l *link) keep(ctx context.Context, c *conn) error {
	tick := time.NewTicker(l.service.paced(pingEvery))
	defer tick.Stop()
	for {
		if err := l.ping(ctx, c); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-l.kick:
		case <-l.again:
			if err := l.greet(ctx, c); err != nil {
				return err
			}
		case <-c.broken:
			return c.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *link) ping(ctx context.Context, c *conn) error {
	msg := l.service.ping(l)
	sent, sentWall := time.Now(), l.service.cfg.Clock()
	res, err := c.call(ctx, l.service.paced(pingTimeout), &request{Ping: msg})
	if err != nil {
		return err
	}
	if res.Pong == nil {
		return errors.New("no pong in the answer to a ping")
	}
	l.heard(*res.Pong, time.Since(sent), sentWall, msg)
	return nil
}

// maxRoundTrip is the longest round trip whose clock reading is believed.
const maxRoundTrip = 200 * time.Millisecond

func (l *link) heard(s State, roundTrip time.Duration, sentWall time.Time, msg *ping) {
	l.mu.Lock()
	muted := l.peer.State.Mute == "" && s.Mute != ""
	changed := l.peer.State.Leads != s.Leads || (l.peer.State.Mute == "") != (s.Mute == "") ||
		l.peer.Identity != s.Identity || l.peer.Claim.differs(s.Claim)
	l.peer.State = s
	l.takeClaim(s.Identity, s.Claim)
	l.peer.LastContact = l.service.cfg.Clock()
	if roundTrip <= maxRoundTrip && s.Clock != 0 {
		l.peer.Measured = true
		l.peer.Skew = s.Clock.Std().Sub(sentWall.Add(roundTrip / 2))
	}
	if msg.Shipped {
		l.reports, l.shipped = msg.Reports, true
	}
	l.mu.Unlock()
	if changed {
		l.service.notify()
	}
	if muted {
		l.service.lost(l.id)
	}
}

func (l *link) markUp(c *conn, h hello) {
	term := l.service.ledBy(l.id)
	l.mu.Lock()
	restarted := l.boot != "" && l.boot != h.Boot
	if l.boot != h.Boot {
		l.peer.Claim = Claim{}
	}
	if restarted {
		l.restartedIn = term
	}
	if l.conn != c {
		l.reports, l.shipped = nil, false
	}
	l.boot, l.conn = h.Boot, c
	l.peer.Up, l.peer.Gone, l.peer.Known = true, false, true
	l.peer.Record = h.Record
	l.takeClaim(h.Identity, h.Claim)
	l.peer.LastContact, l.peer.UpSince = l.service.cfg.Clock(), time.Now()
	l.mu.Unlock()
	l.service.notify()
	if restarted {
		l.service.lost(l.id)
	}
}

func (l *link) markDown() {
	l.mu.Lock()
	l.peer.Up, l.peer.State.Leads, l.peer.Measured = false, false, false
	l.conn = nil
	l.mu.Unlock()
	l.service.notify()
}

func (l *link) markGone() {
	l.mu.Lock()
	news := !l.peer.Gone
	l.peer.Gone = true
	l.mu.Unlock()
	if news {
		l.service.lost(l.id)
	}
}

// ask puts the death detector's question.
func (l *link) ask(ctx context.Context, timeout time.Duration, q ask) (answer, error) {
	l.mu.Lock()
	c := l.conn
	l.mu.Unlock()
	if c == nil {
		return answer{}, net.ErrClosed
	}
	res, err := c.call(ctx, timeout, &request{Ask: &q})
	if err != nil {
		return answer{}, err
	}
	if res.Answer == nil {
		return answer{}, errors.New("no answer in the answer to a question")
	}
	return *res.Answer, nil
}

// learn takes what the other said when it dialled us, while our connection to it
// stands.
func (l *link) learn(h hello) {
	l.mu.Lock()
	news := l.conn != nil && l.boot == h.Boot
	if news {
		l.takeClaim(h.Identity, h.Claim)
	}
	l.mu.Unlock()
	if news {
		l.service.notify()
	}
}

// takeClaim is called with mu held. A node that has data now remembers what it is
// told: it is told again.
func (l *link) takeClaim(id Identity, c Claim) {
	if c.Order < l.peer.Claim.Order {
		return // of the same process, and older
	}
	if !l.peer.Claim.HasData() && c.HasData() {
		select {
		case l.again <- struct{}{}:
		default:
		}
	}
	l.peer.Identity, l.peer.Claim = id, c
}

// answersAs says whether the process that the link knows under the node's id,
// when it is another one than boot, still answers.
func (l *link) answersBesides(ctx context.Context, boot string) bool {
	l.mu.Lock()
	c, known := l.conn, l.boot
	l.mu.Unlock()
	if c == nil || known == boot {
		return false
	}
	_, err := c.call(ctx, helloTimeout, &request{Ping: &ping{}})
	return err == nil
}
