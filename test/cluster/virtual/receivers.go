package virtual

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// Receivers are the endpoints of notification targets, by URL. They take
// everything, unless a test says otherwise.
type Receivers struct {
	mu    sync.Mutex
	moods map[string]func(ctx context.Context) error
	taken map[string][]Received
	tries map[string]int
}

// Received is a notice that was taken.
type Received struct {
	ID       string
	Index    uint64 // of the event; 0: of none
	Type     autoscaling.EventType
	Instance autoscaling.InstanceID
}

func newReceivers() *Receivers {
	return &Receivers{moods: map[string]func(context.Context) error{}, taken: map[string][]Received{}, tries: map[string]int{}}
}

// Answer has an endpoint answer so; nil: it takes everything again.
func (r *Receivers) Answer(url string, mood func(ctx context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moods[url] = mood
}

// Taken is what an endpoint has taken, in order, repeats too.
func (r *Receivers) Taken(url string) []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken[url])
}

// Tries is how many attempts reached an endpoint.
func (r *Receivers) Tries(url string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries[url]
}

func (r *Receivers) notify(ctx context.Context, to providers.Endpoint, n providers.Notice) error {
	r.mu.Lock()
	mood := r.moods[to.URL]
	r.tries[to.URL]++
	r.mu.Unlock()
	if mood != nil {
		ctx, cancel := context.WithTimeout(ctx, to.Timeout)
		defer cancel()
		if err := mood(ctx); err != nil {
			return err
		}
	}
	var data struct {
		Index, Instance string
		Type            autoscaling.EventType
	}
	if err := json.Unmarshal(n.Data, &data); err != nil {
		return err
	}
	index, _ := strconv.ParseUint(data.Index, 10, 64) // empty in a test
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[to.URL] = append(r.taken[to.URL], Received{ID: n.ID, Index: index, Type: data.Type, Instance: autoscaling.InstanceID(data.Instance)})
	return nil
}

// notifier is the way from one run of a node to the receivers.
type notifier struct{ r *run }

func (n notifier) Notify(ctx context.Context, to providers.Endpoint, notice providers.Notice) error {
	return n.r.call(ctx, Call{Op: Notify, Key: to.URL}, func(ctx context.Context) error {
		return n.r.w.Receivers.notify(ctx, to, notice)
	})
}
