package process

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

func TestNodesThatOpenAtOnceAgreeOnTheStore(t *testing.T) {
	directory := newDirectory(t)
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			p, err := New(Config{Directory: directory, AddressPool: testPool})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = p.storeID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("stores %q", ids)
		}
	}
	if info, err := os.Stat(directory); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v: want it for us alone", info.Mode(), err)
	}
}

func TestDirectoryThatWentAwayIsUnavailable(t *testing.T) {
	for name, hurt := range map[string]func(*Provider) error{
		"removed":         func(p *Provider) error { return os.RemoveAll(string(p.paths)) },
		"without id":      func(p *Provider) error { return os.Remove(p.paths.store()) },
		"id unreadable":   func(p *Provider) error { return os.WriteFile(p.paths.store(), []byte("?"), 0o600) },
		"another, opened": func(p *Provider) error { return replaceStore(p) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newNode(t, newDirectory(t))
			mustEnsure(t, p, sleeper(testInstance))
			if err := hurt(p); err != nil {
				t.Fatal(err)
			}
			_, listed := p.List(t.Context(), "test")
			_, ensured := p.Ensure(t.Context(), fenceOf(1), sleeper(testInstance))
			_, started := p.Start(t.Context(), fenceOf(1), testInstance)
			stopped := p.Stop(t.Context(), fenceOf(1), testInstance, time.Second)
			removed := p.Remove(t.Context(), fenceOf(1), testInstance)
			_, used := p.Usage(t.Context(), "test")
			for call, err := range map[string]error{
				"list": listed, "ensure": ensured, "start": started, "stop": stopped, "remove": removed, "usage": used,
			} {
				if err == nil || providers.ClassOf(err) != providers.Unavailable {
					t.Errorf("%s: %v, want it unavailable", call, err)
				}
			}
		})
	}
}

func replaceStore(p *Provider) error {
	if err := os.RemoveAll(string(p.paths)); err != nil {
		return err
	}
	other, err := New(Config{Directory: string(p.paths), AddressPool: testPool})
	if err != nil {
		return err
	}
	return other.Close()
}

func TestNewRefusesWhatItCannotWorkWith(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]Config{
		"no directory":    {AddressPool: testPool},
		"no pool":         {Directory: t.TempDir()},
		"not a directory": {Directory: file, AddressPool: testPool},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
