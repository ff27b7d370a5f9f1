package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/asctl/as/internal/providers"
)

// List answers every machine of the cluster, in the order of their ids. It is
// all or an error: what could not be read is not said to be lost.
func (p *Provider) List(ctx context.Context, cluster string) (providers.Listing, error) {
	all, err := p.scan(ctx, cluster)
	if err != nil {
		return providers.Listing{}, err
	}
	listing := providers.Listing{Store: p.storeID, Machines: make([]providers.Machine, 0, len(all))}
	var ids []identity
	for _, f := range all {
		if f.run != nil {
			ids = append(ids, f.run.identity)
		}
	}
	alive := p.running(ids)
	for _, f := range all {
		if f.run != nil && f.exit == nil && f.record.home() != f.record.Spec.Instance && !alive[f.run.identity] {
			f.exit = p.readExit(f.record.home()) // beside another entry, so that this one's time does not tell
		}
		listing.Machines = append(listing.Machines, f.machine(f.run != nil && alive[f.run.identity]))
	}
	p.sweepIfDue(ctx)
	return listing, nil
}

// scan reads all instances of the cluster.
func (p *Provider) scan(ctx context.Context, cluster string) ([]files, error) {
	if err := ctx.Err(); err != nil {
		return nil, asUnavailable(err, "list")
	}
	if err := p.checkStore(); err != nil {
		return nil, err
	}
	names, err := p.instances()
	if err != nil {
		return nil, asUnavailable(err, "list %s", string(p.paths))
	}
	all := make([]files, 0, len(names))
	for _, name := range names {
		f, found, err := p.cache.read(p, name)
		if errors.Is(err, errCorrupt) {
			// One bad record must not hide the others. Its instance counts as lost
			// and is made anew; the next call for it clears what is left.
			p.logger.Warn("instance is not listed", "instance", name, "error", err)
			continue
		}
		if err != nil {
			return nil, asUnavailable(err, "list %s", name)
		}
		if found && f.record.live() && f.record.Cluster == cluster {
			all = append(all, f)
		}
	}
	p.cache.keep(names)
	return all, nil
}

// instances are the names of all instances' directories, sorted.
func (p *Provider) instances() ([]string, error) {
	directory, err := os.Open(string(p.paths))
	if err != nil {
		return nil, err
	}
	names, err := directory.Readdirnames(-1)
	_ = directory.Close()
	names = slices.DeleteFunc(names, func(name string) bool { return !instanceName.MatchString(name) })
	slices.Sort(names)
	return names, err
}

// cache spares a listing from reading what has not changed. Each change of an
// instance's records renames a file into its directory, which gives that a new
// time.
type cache struct {
	mu     sync.Mutex
	byName map[string]cached
}

type cached struct {
	files    files
	found    bool
	changed  time.Time // of the directory
	observed time.Time
}

// clockGrain is more than the granularity of a file system's times: within it,
// a second change may carry the same time as the first.
const clockGrain = 100 * time.Millisecond

func (c *cache) read(p *Provider, instance string) (files, bool, error) {
	observed := time.Now()
	info, err := os.Stat(p.paths.instance(instance))
	if errors.Is(err, fs.ErrNotExist) {
		return files{}, false, nil // removed since the directory was read
	}
	if err != nil {
		return files{}, false, err
	}
	c.mu.Lock()
	known, ok := c.byName[instance]
	c.mu.Unlock()
	if ok && known.changed.Equal(info.ModTime()) && known.observed.Sub(known.changed) > clockGrain {
		return known.files, known.found, nil
	}
	f, found, err := p.read(instance)
	if err != nil {
		return files{}, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil {
		c.byName = make(map[string]cached)
	}
	c.byName[instance] = cached{files: f, found: found, changed: info.ModTime(), observed: observed}
	return f, found, nil
}

// keep forgets all instances but those.
func (c *cache) keep(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byName) <= len(names) {
		return
	}
	for name := range c.byName {
		if _, there := slices.BinarySearch(names, name); !there {
			delete(c.byName, name)
		}
	}
}
