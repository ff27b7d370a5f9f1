package sim

import "net/netip"

// maxPoolBits bounds the bookkeeping of a pool: 2^24 addresses are 2 MiB.
const maxPoolBits = 24

// addressPool gives out addresses in turn, so that one that was freed is used
// again as late as possible.
type addressPool struct {
	prefix netip.Prefix
	size   uint32
	next   uint32
	held   uint32
	used   []uint64 // bit set, grown on demand
}

func newAddressPool(prefix netip.Prefix) *addressPool {
	bits := min(prefix.Addr().BitLen()-prefix.Bits(), maxPoolBits)
	return &addressPool{prefix: prefix.Masked(), size: 1 << bits}
}

func (p *addressPool) hasRoom() bool {
	a, ok := p.take()
	if ok {
		p.free(a)
	}
	return ok
}

// take finds a free address; it ends after one round of the pool.
func (p *addressPool) take() (netip.Addr, bool) {
	if p.held >= p.size {
		return netip.Addr{}, false
	}
	for range p.size {
		i := p.next
		p.next = (p.next + 1) % p.size
		if address := p.at(i); usable(address) && !p.isUsed(i) {
			p.set(i)
			return address, true
		}
	}
	return netip.Addr{}, false
}

// hold marks an address that a record names. One outside of the pool (the
// setting was changed) needs no mark: the pool never gives it out.
func (p *addressPool) hold(address netip.Addr) {
	if i, ok := p.index(address); ok && !p.isUsed(i) {
		p.set(i)
		p.next = (i + 1) % p.size
	}
}

func (p *addressPool) free(address netip.Addr) {
	if i, ok := p.index(address); ok && p.isUsed(i) {
		p.used[i/64] &^= 1 << (i % 64)
		p.held--
	}
}

func (p *addressPool) isUsed(i uint32) bool {
	return int(i/64) < len(p.used) && p.used[i/64]&(1<<(i%64)) != 0
}

func (p *addressPool) set(i uint32) {
	for int(i/64) >= len(p.used) {
		p.used = append(p.used, 0)
	}
	p.used[i/64] |= 1 << (i % 64)
	p.held++
}

// at and index count in the last 32 bits: a pool has at most 24.
func (p *addressPool) at(i uint32) netip.Addr {
	raw := p.prefix.Addr().As16()
	low := raw[12:]
	value := be32(low) + i
	low[0], low[1], low[2], low[3] = byte(value>>24), byte(value>>16), byte(value>>8), byte(value)
	address := netip.AddrFrom16(raw)
	if p.prefix.Addr().Is4() {
		address = address.Unmap()
	}
	return address
}

func (p *addressPool) index(address netip.Addr) (uint32, bool) {
	if !p.prefix.Contains(address) {
		return 0, false
	}
	base, raw := p.prefix.Addr().As16(), address.As16()
	i := be32(raw[12:]) - be32(base[12:])
	return i, i < p.size && p.at(i) == address
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// usable leaves out what looks like a network's or its broadcast address.
func usable(address netip.Addr) bool {
	if !address.Is4() {
		return true
	}
	last := address.As4()[3]
	return last != 0 && last != 255
}
