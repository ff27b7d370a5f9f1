package sim_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

// BenchmarkLaunch10000 is 64 workers that together ensure and start 10,000
// machines, on one core.
func BenchmarkLaunch10000(b *testing.B) {
	for name, withDirectory := range map[string]bool{"memory": false, "directory": true} {
		b.Run(name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			for b.Loop() {
				b.StopTimer()
				config := sim.Config{}
				if withDirectory {
					config.Directory = b.TempDir()
				}
				c, err := sim.NewCloud(config)
				if err != nil {
					b.Fatal(err)
				}
				specs := make([]providers.MachineSpec, 10_000)
				for n := range specs {
					specs[n] = spec(instance(n))
				}
				b.StartTimer()
				launchAll(b, c, specs)
				b.StopTimer()
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func launchAll(b *testing.B, c *sim.Cloud, specs []providers.MachineSpec) {
	const workers = 64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := w; n < len(specs); n += workers {
				if _, err := c.Ensure(b.Context(), fence(1), specs[n]); err != nil {
					b.Error(err)
				}
				if _, err := c.Start(b.Context(), fence(1), specs[n].Instance); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkList10000 lists 10,000 machines, and reads them anew from the file.
func BenchmarkList10000(b *testing.B) {
	config := sim.Config{Directory: b.TempDir()}
	c, err := sim.NewCloud(config)
	if err != nil {
		b.Fatal(err)
	}
	specs := make([]providers.MachineSpec, 10_000)
	for n := range specs {
		specs[n] = spec(instance(n))
	}
	launchAll(b, c, specs)
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.List(b.Context(), cluster); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("takeover", func(b *testing.B) {
		for b.Loop() {
			next, err := sim.NewCloud(config)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := next.List(b.Context(), cluster); err != nil {
				b.Fatal(err)
			}
			if err := next.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
