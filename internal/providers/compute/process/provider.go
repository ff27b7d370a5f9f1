// Package process is the compute provider whose machines are processes of this
// host: an instance IS its command, in a session of its own, with an address of
// its own out of a pool of loopback addresses.
//
// The package owns one directory, which all nodes on the host share; what it
// holds there is the only truth, nothing is kept in memory that a call could
// not find out again. It never supervises: no process stands between the
// kernel and the command, none is restarted, and none ends because asserver
// does. DESIGN.md says how a start happens once although its starter may die at
// any point.
package process

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/asctl/as/internal/providers"
)

// Config is what a Provider needs.
type Config struct {
	// Directory holds the machines. It is made when missing; nodes on one host
	// that share it share the machines.
	Directory string
	// AddressPool is where machines get their addresses from, e.g. 127.77.0.0/16.
	// The host must answer for them; pools of different directories must differ.
	AddressPool netip.Prefix
	// RunAs is the user of the instances' commands, "user" or "user:group"; they
	// then gain no privileges. Empty: asserver's own user, with all its rights.
	RunAs string
	// StarterArgv re-executes this program as a starter; the rest of the
	// arguments is added. Default: this very executable with the hidden argument
	// that IsStarter knows.
	StarterArgv []string
	// Logger gets warnings about what was found broken. Default: none.
	Logger hclog.Logger
}

// Provider makes machines out of processes. It is safe for concurrent use, also
// by several providers, in one or many processes, on the same directory.
type Provider struct {
	paths   paths
	pool    netip.Prefix
	starter []string
	logger  hclog.Logger
	runAs   *account
	storeID string
	bootID  string
	step    func(name string) // crash points of the tests; does nothing otherwise

	children children
	handles  handles
	cache    cache
	rates    rates
	sweeps   sweepClock
}

var (
	_ providers.Compute       = (*Provider)(nil)
	_ providers.Adopter       = (*Provider)(nil)
	_ providers.UsageReporter = (*Provider)(nil)
	_ io.Closer               = (*Provider)(nil)
)

// New opens the directory, or makes it with a store id of its own. It starts
// nothing.
func New(config Config) (*Provider, error) {
	if config.Directory == "" {
		return nil, fmt.Errorf("process provider: no directory")
	}
	if !config.AddressPool.IsValid() {
		return nil, fmt.Errorf("process provider: no address pool")
	}
	runAs, err := parseAccount(config.RunAs)
	if err != nil {
		return nil, fmt.Errorf("process provider: %w", err)
	}
	directory, err := filepath.Abs(config.Directory)
	if err != nil {
		return nil, fmt.Errorf("process provider: %w", err)
	}
	boot, err := readBootID()
	if err != nil {
		return nil, fmt.Errorf("process provider: %w", err)
	}
	if err := probePidfd(); err != nil {
		return nil, fmt.Errorf("process provider: %w", err)
	}
	p := &Provider{
		paths:   paths(directory),
		pool:    config.AddressPool.Masked(),
		starter: config.StarterArgv,
		logger:  config.Logger,
		runAs:   runAs,
		bootID:  boot,
		step:    func(string) {},
		handles: newHandles(),
	}
	if p.logger == nil {
		p.logger = hclog.NewNullLogger()
	}
	if len(p.starter) == 0 {
		// Not os.Executable: the file may have been replaced by an upgrade, and a
		// starter of another version than its caller is nothing to find out then.
		p.starter = []string{"/proc/self/exe", starterArgument}
	}
	for _, sub := range []string{"", internalLocks, internalAddresses, internalRemoved, internalLogs, internalTrash} {
		if err := os.MkdirAll(p.paths.internal(sub), 0o700); err != nil {
			return nil, fmt.Errorf("process provider: %w", err)
		}
	}
	if p.storeID, err = openStore(p.paths); err != nil {
		return nil, fmt.Errorf("process provider: %w", err)
	}
	return p, nil
}

// Close ends what watches the processes that this provider started. The
// processes themselves go on. A provider is not used after Close.
func (p *Provider) Close() error {
	p.children.close()
	p.handles.close()
	return nil
}

// pause waits, or says why it does not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
