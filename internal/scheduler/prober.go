package scheduler

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/autoscaling/text"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// prober checks instances over HTTP or TCP. Counts of passes and failures live
// here; only a change of opinion becomes a fact.
type prober struct {
	t     *term
	slots chan struct{}

	mu     sync.Mutex
	groups map[autoscaling.UID]map[autoscaling.InstanceID]*probed
}

// probed is one instance under watch.
type probed struct {
	group    autoscaling.UID
	id       autoscaling.InstanceID
	address  string
	probe    autoscaling.Probe
	next     time.Time
	running  bool
	passes   int32
	failures int32
}

// probeTick is how precisely probes keep their interval.
const probeTick = 100 * time.Millisecond

func newProber(t *term) *prober {
	return &prober{t: t, slots: make(chan struct{}, t.Limits.Probes), groups: map[autoscaling.UID]map[autoscaling.InstanceID]*probed{}}
}

// set says which instances of a group are checked.
func (p *prober) set(group autoscaling.UID, instances []*autoscaling.Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.groups[group]
	if len(instances) == 0 {
		if old != nil {
			delete(p.groups, group)
		}
		return
	}
	view := p.t.State.View()
	g := view.Group(group)
	if g == nil || g.HealthCheck.Probe == nil {
		return
	}
	watched := make(map[autoscaling.InstanceID]*probed, len(instances))
	for _, i := range instances {
		w := old[i.ID]
		if w == nil {
			w = &probed{group: group, id: i.ID}
		}
		w.probe = *g.HealthCheck.Probe
		w.address = net.JoinHostPort(i.Addresses[0], strconv.Itoa(int(probePort(view, g, i))))
		watched[i.ID] = w
	}
	p.groups[group] = watched
}

// probePort is the probe's port, else the configuration's first.
func probePort(v fsm.View, g *autoscaling.Group, i *autoscaling.Instance) int32 {
	if g.HealthCheck.Probe.Port != 0 {
		return g.HealthCheck.Probe.Port
	}
	if c := v.ConfigurationVersion(i.Configuration, i.Version); c != nil && len(c.Template.Ports) > 0 {
		return c.Template.Ports[0]
	}
	return 80
}

func (p *prober) run(ctx context.Context) {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var running sync.WaitGroup
	defer running.Wait()
	for sleep(ctx, probeTick) {
		for _, w := range p.due() {
			select {
			case p.slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			running.Go(func() {
				defer func() { <-p.slots }()
				p.check(ctx, client, w)
			})
		}
	}
}

// due are the checks whose time has come.
func (p *prober) due() []*probed {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var due []*probed
	for _, watched := range p.groups {
		for _, w := range watched {
			if !w.running && !now.Before(w.next) {
				w.running = true
				w.next = now.Add(orDuration(w.probe.Interval, autoscaling.DefaultProbeInterval))
				due = append(due, w)
			}
		}
	}
	return due
}

// check makes one check and reports a change of opinion.
func (p *prober) check(ctx context.Context, client *http.Client, w *probed) {
	p.mu.Lock()
	probe, address := w.probe, w.address
	p.mu.Unlock()
	trying, cancel := context.WithTimeout(ctx, orDuration(probe.Timeout, autoscaling.DefaultProbeTimeout))
	err := probeOnce(trying, client, probe, address)
	cancel()
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	w.running = false
	if err == nil {
		w.passes, w.failures = w.passes+1, 0
	} else {
		w.passes, w.failures = 0, w.failures+1
	}
	healthy := w.passes >= orCount(probe.HealthyThreshold, autoscaling.DefaultHealthyThreshold)
	unhealthy := w.failures >= orCount(probe.UnhealthyThreshold, autoscaling.DefaultUnhealthyThreshold)
	p.mu.Unlock()
	i := p.t.State.View().Instance(w.group, w.id)
	if i == nil || (!healthy && !unhealthy) || (i.ProbeChecked && i.ProbeHealthy == healthy) {
		return
	}
	r := control.HealthReport{Group: w.group, Instance: w.id, Healthy: healthy}
	if err != nil {
		r.Message = fmt.Sprintf("%d probes in a row failed: %s", orCount(probe.UnhealthyThreshold, autoscaling.DefaultUnhealthyThreshold), err)
	}
	p.t.reporter.report(fact{apply: func(tx *fsm.Tx, o control.Operations) error { return o.ReportProbe(tx, r) }})
}

func probeOnce(ctx context.Context, client *http.Client, probe autoscaling.Probe, address string) error {
	if probe.HTTPPath == "" {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+probe.HTTPPath, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 399 {
		return fmt.Errorf("GET %s answered %s", probe.HTTPPath, text.Short(answer.Status, maxStatus))
	}
	return nil
}

// maxStatus bounds what is quoted of an answer's status line, which the instance
// may fill with anything.
const maxStatus = 100

func orDuration(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

func orCount(n, otherwise int32) int32 {
	if n > 0 {
		return n
	}
	return otherwise
}
