// Package sim is a cloud of its own: machines that exist only as records, with
// delays, failures, capacity per zone and a rate limit. It keeps the contract of
// providers.Compute, so that what works here works against a real platform.
//
// Nothing runs in the background. A machine's state is computed from the times
// in its record when somebody asks, so the cloud works in virtual time and
// leaves nothing behind.
//
// Without a directory the records are in this process's memory; nodes of one
// process share the *Cloud itself. With a directory they are in an append-only
// file that the nodes of a host share, and the machines outlive a leader.
package sim

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// Config says how the cloud behaves.
type Config struct {
	LaunchDelay    time.Duration  // from Start to running
	TerminateDelay time.Duration  // from Stop to stopped, cut short by Stop's time-out
	FailureRate    float64        // 0 to 1: the share of instances whose Start ends in Failed
	ZoneCapacity   map[string]int // machines that a zone holds until Remove; zones not listed are unlimited
	Seed           uint64         // which instances fail
	Directory      string         // where the records are; empty: in memory
	AddressPool    netip.Prefix   // zero: 10.128.0.0/9
	Machines       []string       // "id" or "id@zone": machines that exist from the beginning and are nobody's
	RateLimit      float64        // calls per second of this process; 0: unlimited
	Store          string         // the name of a new store; empty: random
}

var defaultPool = netip.MustParsePrefix("10.128.0.0/9")

// Validate says what is wrong with the settings, in the words of the file.
func (c Config) Validate() error {
	switch {
	case c.LaunchDelay < 0:
		return fmt.Errorf("launch-delay %s is negative", c.LaunchDelay)
	case c.TerminateDelay < 0:
		return fmt.Errorf("terminate-delay %s is negative", c.TerminateDelay)
	case !(c.FailureRate >= 0 && c.FailureRate <= 1):
		return fmt.Errorf("failure-rate %v is not between 0 and 1", c.FailureRate)
	case !(c.RateLimit >= 0):
		return fmt.Errorf("rate-limit %v is negative", c.RateLimit)
	}
	for zone, capacity := range c.ZoneCapacity {
		if capacity < 0 {
			return fmt.Errorf("zone-capacity of %s is negative", zone)
		}
	}
	for _, text := range c.Machines {
		if err := checkOutside(text); err != nil {
			return err
		}
	}
	if c.AddressPool.IsValid() && !newAddressPool(c.AddressPool).hasRoom() {
		return fmt.Errorf("address-pool %s holds no usable address", c.AddressPool)
	}
	return nil
}

// Cloud is the simulated cloud. It is safe for concurrent use and implements
// providers.Compute, providers.Adopter and providers.UsageReporter.
type Cloud struct {
	config  Config
	limiter *rate.Limiter // nil: unlimited
	faults  faults

	// turn is held by whoever touches table and journal. It is a channel and not
	// a mutex so that waiting for it is visible to virtual time.
	turn    chan struct{}
	table   *table
	journal *journal // nil: in memory
	queue   queue
}

// NewCloud opens the cloud; with a directory that is missing, it makes it.
func NewCloud(config Config) (*Cloud, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	if !config.AddressPool.IsValid() {
		config.AddressPool = defaultPool
	}
	if config.Store == "" {
		config.Store = newStoreID()
	}
	c := &Cloud{config: config, turn: make(chan struct{}, 1), table: newTable(config.Store, config.AddressPool)}
	if config.RateLimit > 0 {
		c.limiter = rate.NewLimiter(rate.Limit(config.RateLimit), max(1, int(config.RateLimit)))
	}
	if config.Directory != "" {
		journal, err := openJournal(config.Directory, config.Store)
		if err != nil {
			return nil, fmt.Errorf("sim: %w", err)
		}
		c.journal = journal
		c.table.recording = true
	}
	if err := c.furnish(); err != nil {
		return nil, errors.Join(fmt.Errorf("sim: %w", err), c.Close())
	}
	return c, nil
}

// Close lets go of the files. The machines stay.
func (c *Cloud) Close() error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.journal == nil {
		return nil
	}
	return c.journal.close()
}

func newStoreID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return "sim-" + hex.EncodeToString(id[:])
}
