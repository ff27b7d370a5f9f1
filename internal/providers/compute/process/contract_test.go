package process

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/contracttest"
)

func TestProcessKeepsTheComputeContract(t *testing.T) {
	contracttest.Compute(t, func(t *testing.T) contracttest.ComputeFixture {
		directory := newDirectory(t)
		p := newNode(t, directory)
		return contracttest.ComputeFixture{
			Provider: p,
			Spec:     sleeper,
			Invalid: []providers.MachineSpec{
				{Instance: testInstance},
				specOf(testInstance, "no-such-program-anywhere"),
			},
			Crash:           func(t *testing.T, instance string) { _ = unix.Kill(pidOf(t, p, instance), unix.SIGSEGV) },
			Reopen:          func(t *testing.T) providers.Compute { return newNode(t, directory) },
			Outside:         func(t *testing.T) string { return outsider(t).id },
			Runs:            func(t *testing.T, machineID string) bool { return runs(p, machineID) },
			AddressAtEnsure: true,
		}
	})
}
