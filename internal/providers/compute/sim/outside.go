package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asctl/as/internal/providers"
)

// A machine that is nobody's is outside: made by somebody else, or released. It
// has its own id, takes up an address and room in its zone, and is in no listing
// until it is adopted.

// defaultZone is that of machines of which nobody said another one.
const defaultZone = "default"

// placed splits "id@zone".
func placed(text string) (id, zone string) {
	id, zone, named := strings.Cut(text, "@")
	if !named {
		zone = defaultZone
	}
	return id, zone
}

func checkOutside(text string) error {
	id, zone := placed(text)
	switch {
	case id == "" || zone == "":
		return fmt.Errorf("machines: %q is not the id of a machine, or id@zone", text)
	case strings.HasPrefix(id, derivedPrefix):
		return fmt.Errorf("machines: %q begins with %s, as machines do that are made for an instance", text, derivedPrefix)
	}
	return nil
}

// furnish makes the machines of the settings that never were.
func (c *Cloud) furnish() error {
	if len(c.config.Machines) == 0 {
		return nil
	}
	return c.do(context.Background(), func(t *table, now int64) error {
		for _, text := range c.config.Machines {
			id, zone := placed(text)
			if t.gone[id] || t.byPlatformID(id) != nil {
				continue
			}
			if _, err := t.makeOutside(now, id, zone); err != nil {
				return err
			}
		}
		return nil
	})
}

// CreateMachine makes a running machine that is nobody's, as somebody at the
// platform's console would.
func (c *Cloud) CreateMachine(id, zone string) (providers.Machine, error) {
	if err := checkOutside(id + "@" + zone); err != nil {
		return providers.Machine{}, err
	}
	return ask(context.Background(), c, func(t *table, now int64) (providers.Machine, error) {
		if t.byPlatformID(id) != nil {
			return providers.Machine{}, providers.Errorf(providers.Conflict, "there is a machine %s", id)
		}
		m, err := t.makeOutside(now, id, zone)
		if err != nil {
			return providers.Machine{}, err
		}
		return m.describe(now), nil
	})
}

func (t *table) makeOutside(now int64, id, zone string) (*machine, error) {
	address, ok := t.addresses.take()
	if !ok {
		return nil, providers.Errorf(providers.QuotaExceeded, "all addresses of %s are in use", t.addresses.prefix)
	}
	m := &machine{id: id, tag: t.tag(tag{zone: zone, usage: noUsage}), address: address, created: now, runsAt: now}
	t.letOut(m)
	t.saveOutside(m)
	return m, nil
}

// KillMachine ends the machine of the id now, whoever's it is; false when there
// is none that runs.
func (c *Cloud) KillMachine(id string) (bool, error) {
	var killed bool
	err := c.do(context.Background(), func(t *table, now int64) error {
		m := t.byPlatformID(id)
		if m == nil || !m.started() || !m.endAt(now, endCrashed) {
			return nil
		}
		killed = true
		if m.instance == "" {
			t.saveOutside(m)
		} else {
			t.save(m)
		}
		return nil
	})
	return killed, err
}

// VanishMachine takes a machine that is nobody's away; false when there is none.
func (c *Cloud) VanishMachine(id string) (bool, error) {
	var gone bool
	err := c.do(context.Background(), func(t *table, _ int64) error {
		if gone = t.outside[id] != nil; gone {
			t.lose(id)
			t.saveGone(id)
		}
		return nil
	})
	return gone, err
}

// Outside are the ids of the machines that are nobody's.
func (c *Cloud) Outside() ([]string, error) {
	return ask(context.Background(), c, func(t *table, _ int64) ([]string, error) {
		var ids []string
		for id := range t.outside {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		return ids, nil
	})
}

// byPlatformID is the machine of the platform's id, whoever's it is.
func (t *table) byPlatformID(id string) *machine {
	if m := t.outside[id]; m != nil {
		return m
	}
	if instance, ok := t.holders[id]; ok {
		return t.machines[instance]
	}
	instance, derived := strings.CutPrefix(id, derivedPrefix)
	if m := t.machines[instance]; derived && m != nil && m.id == "" {
		return m
	}
	return nil
}

// letOut enters a machine that is nobody's now, in the place of what its id meant.
func (t *table) letOut(m *machine) {
	t.takeIn(m.id)
	if old := t.byPlatformID(m.id); old != nil {
		t.drop(old)
	}
	delete(t.gone, m.id)
	t.outside[m.id] = m
	t.zones[m.zone]++
	t.addresses.hold(m.address)
}

// takeIn takes a machine off those that are nobody's.
func (t *table) takeIn(id string) {
	if m := t.outside[id]; m != nil {
		delete(t.outside, id)
		t.vacate(m)
	}
}

// lose remembers that the machine was there, so that the settings do not make it
// again.
func (t *table) lose(id string) {
	t.takeIn(id)
	t.gone[id] = true
}

func (t *table) saveOutside(m *machine) {
	if t.recording {
		t.records = appendOutside(t.records, m)
	}
}

func (t *table) saveGone(id string) {
	if t.recording {
		t.records = appendGone(t.records, id)
	}
}

// sameTime allows for a caller that keeps microseconds.
func sameTime(a time.Time, nanos int64) bool {
	return a.Sub(time.Unix(0, nanos)).Abs() < time.Millisecond
}
