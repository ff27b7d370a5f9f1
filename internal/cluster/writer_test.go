package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/fsm"
)

// bench is a writer over a real state machine and a log that the test commits
// by hand. It lives in a synctest bubble.
type bench struct {
	t       *testing.T
	machine *fsm.Machine
	writer  *writer
	stop    chan struct{}

	mu      sync.Mutex
	log     []*future
	verify  error
	holding chan struct{} // verification waits for it, when set
}

// future is a proposed entry.
type future struct {
	entry    []byte
	done     chan struct{}
	err      error
	response any
}

func (f *future) Error() error  { <-f.done; return f.err }
func (f *future) Response() any { return f.response }
func (f *future) Index() uint64 { return 0 }

func newBench(t *testing.T) *bench {
	b := &bench{t: t, machine: fsm.NewMachine(), stop: make(chan struct{})}
	v := newVerifier(func() error {
		if b.holding != nil {
			<-b.holding
		}
		return b.verify
	})
	ctx, cancel := context.WithCancel(context.Background())
	b.writer = &writer{
		term: 1, machine: b.machine, ids: RandomIDs{}, metrics: newMetrics(), log: hclog.NewNullLogger(),
		now:  func() autoscaling.Time { return 1 },
		join: v.join,
		propose: func(entry []byte) raft.ApplyFuture {
			f := &future{entry: entry, done: make(chan struct{})}
			b.mu.Lock()
			b.log = append(b.log, f)
			b.mu.Unlock()
			return f
		},
		queue: make(chan *call, maxQueue), slots: make(chan struct{}, maxInFlight),
	}
	var wg sync.WaitGroup
	wg.Go(func() { v.run(ctx) })
	wg.Go(func() { b.writer.run(b.stop) })
	t.Cleanup(func() {
		close(b.stop)
		b.commitAll()
		cancel()
		wg.Wait()
	})
	return b
}

// answer is what a caller got, once it got it.
type answer struct {
	done chan struct{}
	err  error
}

func (a *answer) came() bool {
	synctest.Wait()
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

func (b *bench) do(ctx context.Context, fn func(*fsm.Tx) error) *answer {
	a := &answer{done: make(chan struct{})}
	go func() {
		a.err = b.writer.do(ctx, fn)
		close(a.done)
	}()
	synctest.Wait()
	return a
}

func (b *bench) write(id string) *answer {
	return b.do(context.Background(), func(tx *fsm.Tx) error {
		tx.PutNode(&autoscaling.Node{ID: id})
		return nil
	})
}

var errRefused = errors.New("refused")

func (b *bench) refuse() *answer {
	return b.do(context.Background(), func(*fsm.Tx) error { return errRefused })
}

// proposed are the entries so far.
func (b *bench) proposed() []*future {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*future(nil), b.log...)
}

// commit applies a proposed entry, as Raft would.
func (b *bench) commit(f *future) {
	f.response = b.machine.Apply(&raft.Log{Type: raft.LogCommand, Data: f.entry})
	close(f.done)
	synctest.Wait()
}

func (b *bench) fail(f *future, err error) {
	f.err = err
	close(f.done)
	synctest.Wait()
}

// commitAll commits what is still open, so that the writer can end.
func (b *bench) commitAll() {
	for i := 0; i < len(b.proposed()); i++ {
		if f := b.proposed()[i]; !isDone(f.done) {
			b.commit(f)
		}
	}
}

func isDone(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func (b *bench) wantReason(a *answer, want autoscaling.Reason) {
	b.t.Helper()
	if !a.came() {
		b.t.Fatalf("no answer, want %s", want)
	}
	var e *autoscaling.Error
	if !errors.As(a.err, &e) || e.Reason != want {
		b.t.Errorf("answer %v, want %s", a.err, want)
	}
}

func (b *bench) wantErr(a *answer, want error) {
	b.t.Helper()
	if !a.came() {
		b.t.Fatalf("no answer, want %v", want)
	}
	if !errors.Is(a.err, want) {
		b.t.Errorf("answer %v, want %v", a.err, want)
	}
}

func TestWriter(t *testing.T) {
	for name, story := range map[string]func(t *testing.T, b *bench){
		"an answer leaves when its entry is applied": func(t *testing.T, b *bench) {
			a := b.write("x")
			if a.came() {
				t.Fatal("it came before")
			}
			b.commit(b.proposed()[0])
			b.wantErr(a, nil)
			if b.machine.View().Node("x") == nil {
				t.Error("nothing was written")
			}
		},
		"a refusal beside a write leaves when the entry is applied": func(t *testing.T, b *bench) {
			first, second := b.write("a"), b.write("b") // both places in flight are taken
			x, no := b.write("x"), b.refuse()
			b.commit(b.proposed()[0])
			b.commit(b.proposed()[1])
			if x.came() || no.came() {
				t.Fatal("it came before")
			}
			b.commit(b.proposed()[2])
			b.wantErr(first, nil)
			b.wantErr(second, nil)
			b.wantErr(x, nil)
			b.wantErr(no, errRefused)
		},
		"a refusal alone leaves after a verification": func(t *testing.T, b *bench) {
			b.holding = make(chan struct{})
			no := b.refuse()
			if no.came() {
				t.Fatal("it came before")
			}
			close(b.holding)
			b.wantErr(no, errRefused)
			if len(b.proposed()) != 0 {
				t.Error("an entry was proposed for it")
			}
		},
		"a refusal that cannot be verified is no refusal": func(t *testing.T, b *bench) {
			b.verify = raft.ErrNotLeader
			b.wantReason(b.refuse(), autoscaling.NoLeader)
		},
		"a refusal that rests on an entry in flight waits for it": func(t *testing.T, b *bench) {
			b.write("x")
			no := b.do(context.Background(), func(tx *fsm.Tx) error {
				if tx.Node("x") == nil {
					t.Error("the newest state was not seen")
				}
				return errRefused
			})
			if no.came() {
				t.Fatal("it came before")
			}
			b.commit(b.proposed()[0])
			b.wantErr(no, errRefused)
		},
		"a refusal that rests on a lost entry is no refusal": func(t *testing.T, b *bench) {
			x, no := b.write("x"), b.refuse()
			b.fail(b.proposed()[0], raft.ErrLeadershipLost)
			b.wantReason(x, autoscaling.OutcomeUnknown)
			b.wantReason(no, autoscaling.NoLeader)
		},
		"a function that panics fails alone": func(t *testing.T, b *bench) {
			b.write("a")
			b.write("b")
			bad := b.do(context.Background(), func(tx *fsm.Tx) error {
				tx.PutNode(&autoscaling.Node{ID: "bad"})
				panic("oh")
			})
			good := b.write("good")
			b.commitAll()
			b.wantErr(good, nil)
			if !bad.came() || bad.err == nil || !strings.Contains(bad.err.Error(), "oh") {
				t.Errorf("answer %v", bad.err)
			}
			if v := b.machine.View(); v.Node("bad") != nil || v.Node("good") == nil {
				t.Error("the state is wrong")
			}
		},
		"a skipped entry wrote nothing, and the next starts from what is applied": func(t *testing.T, b *bench) {
			x, y := b.write("x"), b.write("y")
			f := b.proposed()
			f[0].response = fsm.Result{Skipped: true} // another leader's entry came before it
			close(f[0].done)
			synctest.Wait()
			b.commit(f[1]) // rests on it, so the machine skips it
			b.wantReason(x, autoscaling.NoLeader)
			b.wantReason(y, autoscaling.NoLeader)
			z := b.write("z")
			b.commit(b.proposed()[2])
			b.wantErr(z, nil)
			if v := b.machine.View(); v.Node("x") != nil || v.Node("y") != nil || v.Node("z") == nil {
				t.Error("the state is wrong")
			}
		},
		"an entry that was not taken wrote nothing": func(t *testing.T, b *bench) {
			for _, err := range []error{raft.ErrNotLeader, raft.ErrLeadershipTransferInProgress} {
				x := b.write("x")
				log := b.proposed()
				b.fail(log[len(log)-1], err)
				b.wantReason(x, autoscaling.NoLeader)
			}
		},
		"nobody knows what became of an entry that was not answered": func(t *testing.T, b *bench) {
			for _, err := range []error{raft.ErrLeadershipLost, raft.ErrRaftShutdown, errors.New("disk")} {
				x := b.write("x")
				log := b.proposed()
				b.fail(log[len(log)-1], err)
				b.wantReason(x, autoscaling.OutcomeUnknown)
			}
		},
		"two entries are in flight, what comes then is one": func(t *testing.T, b *bench) {
			var all []*answer
			for i := range 10 {
				all = append(all, b.write(fmt.Sprint(i)))
			}
			if n := len(b.proposed()); n != 2 {
				t.Fatalf("%d entries", n)
			}
			b.commit(b.proposed()[0])
			if n := len(b.proposed()); n != 3 {
				t.Fatalf("%d entries", n)
			}
			b.commitAll()
			for _, a := range all {
				b.wantErr(a, nil)
			}
		},
		"an entry has room for 512 functions": func(t *testing.T, b *bench) {
			b.write("a")
			b.write("b")
			for i := range maxCalls + 1 {
				b.write(fmt.Sprint(i))
			}
			b.commit(b.proposed()[0])
			b.commit(b.proposed()[1])
			if n := len(b.proposed()); n != 4 {
				t.Fatalf("%d entries", n)
			}
		},
		"a full entry takes no more functions": func(t *testing.T, b *bench) {
			b.write("a")
			b.write("b")
			for i := range 2 {
				b.do(context.Background(), func(tx *fsm.Tx) error {
					tx.PutRequest(&autoscaling.Request{ID: fmt.Sprint("big", i), Answer: make([]byte, fullEntry)})
					return nil
				})
			}
			b.commit(b.proposed()[0])
			b.commit(b.proposed()[1])
			if n := len(b.proposed()); n != 4 {
				t.Fatalf("%d entries", n)
			}
		},
		"a change that fits no entry is refused": func(t *testing.T, b *bench) {
			a := b.do(context.Background(), func(tx *fsm.Tx) error {
				tx.PutRequest(&autoscaling.Request{ID: "x", Answer: make([]byte, maxEntry+1)})
				return nil
			})
			b.wantReason(a, autoscaling.LimitExceeded)
			if len(b.proposed()) != 0 {
				t.Error("it was proposed")
			}
		},
		"what does not fit in the queue is refused": func(t *testing.T, b *bench) {
			b.write("a")
			b.write("b")
			for range maxQueue {
				if err := b.writer.admit(&call{fn: func(*fsm.Tx) error { return nil }, done: make(chan error, 1)}); err != nil {
					t.Fatal(err)
				}
			}
			a := b.write("x")
			b.wantReason(a, autoscaling.LimitExceeded)
			if e := new(autoscaling.Error); !errors.As(a.err, &e) || e.RetryAfter <= 0 {
				t.Error("it does not say when to come again")
			}
		},
		"who gives up in the queue is not run": func(t *testing.T, b *bench) {
			b.write("a")
			b.write("b")
			ctx, cancel := context.WithCancel(context.Background())
			ran := false
			a := b.do(ctx, func(*fsm.Tx) error { ran = true; return nil })
			cancel()
			b.wantErr(a, context.Canceled)
			b.commitAll()
			if ran {
				t.Error("it ran")
			}
		},
		"who gives up later does not know the outcome": func(t *testing.T, b *bench) {
			ctx, cancel := context.WithCancel(context.Background())
			a := b.do(ctx, func(tx *fsm.Tx) error { tx.PutNode(&autoscaling.Node{ID: "x"}); return nil })
			cancel()
			b.wantReason(a, autoscaling.OutcomeUnknown)
		},
		"a closed writer refuses what waits and what comes": func(t *testing.T, b *bench) {
			b.write("a")
			b.write("b")
			waiting := b.write("x")
			b.writer.close()
			b.wantReason(waiting, autoscaling.NoLeader)
			b.wantReason(b.write("y"), autoscaling.NoLeader)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) { story(t, newBench(t)) })
		})
	}
}

func TestAStoppedWriterAnswersWhatItProposedAndKeepsTheRest(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		b := newBench(t)
		x, y := b.write("x"), b.write("y")
		held := b.write("held")
		stopped := make(chan struct{})
		go func() {
			b.stop <- struct{}{} // like a close, for this run only
			close(stopped)
		}()
		b.commit(b.proposed()[0])
		b.commit(b.proposed()[1])
		<-stopped
		b.wantErr(x, nil)
		b.wantErr(y, nil)
		if held.came() {
			t.Fatal("what waits was answered")
		}
		go b.writer.run(b.stop)
		b.commit(b.proposed()[2])
		b.wantErr(held, nil)
	})
}
