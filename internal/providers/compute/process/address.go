package process

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/netip"
	"os"

	"github.com/asctl/as/internal/providers"
)

// poolLimit bounds the search in a pool that is larger than any host needs.
const poolLimit = 1 << 20

// reserve gives the instance an address of its own. A reservation is a symbolic
// link from the address to the instance's name: made in one step, so that of
// two nodes one wins, and never without its holder's name. The search begins at
// a place that the id determines: a repeat after a crash finds its own link,
// and an address that was just freed is not the first to be given again.
func (p *Provider) reserve(ctx context.Context, instance string) (string, error) {
	first, size := poolRange(p.pool)
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(instance))
	offset := hash.Sum64() % size
	for i := range size {
		if i%1024 == 1023 && ctx.Err() != nil {
			return "", ctx.Err()
		}
		address := addressAt(first, (offset+i)%size).String()
		link := p.paths.internal(internalAddresses, address)
		err := os.Symlink(instance, link)
		if err == nil {
			return address, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("reserve %s: %w", address, err)
		}
		if holder, err := os.Readlink(link); err == nil && holder == instance {
			return address, nil
		}
	}
	return "", providers.Errorf(providers.OutOfCapacity, "all %d addresses of %s are taken", size, p.pool)
}

// free gives the address back if the instance has it. It runs under the
// instance's gate, so that the holder cannot change meanwhile.
func (p *Provider) free(instance, address string) error {
	if _, err := netip.ParseAddr(address); err != nil {
		return nil // never had one
	}
	link := p.paths.internal(internalAddresses, address)
	if holder, err := os.Readlink(link); err != nil || holder != instance {
		return ignoreMissing(err)
	}
	return ignoreMissing(os.Remove(link))
}

// poolRange is the first usable address and how many follow, without the
// network's own and the broadcast address.
func poolRange(pool netip.Prefix) (first netip.Addr, size uint64) {
	bits := pool.Addr().BitLen() - pool.Bits()
	if bits > 20 {
		return pool.Addr().Next(), poolLimit - 2
	}
	if bits < 2 {
		return pool.Addr(), 1 << bits
	}
	return pool.Addr().Next(), 1<<bits - 2
}

// addressAt is the address n after first.
func addressAt(first netip.Addr, n uint64) netip.Addr {
	bytes := first.As16()
	for i := len(bytes) - 1; i >= 0 && n > 0; i-- {
		n += uint64(bytes[i])
		bytes[i] = byte(n)
		n >>= 8
	}
	address := netip.AddrFrom16(bytes)
	if first.Is4() {
		return address.Unmap()
	}
	return address
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
