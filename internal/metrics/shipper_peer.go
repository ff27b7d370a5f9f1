package metrics

import (
	"context"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Receive takes a parcel from another node and returns the reply.
func (sh *Shipper) Receive(from string, bytes []byte) []byte {
	p := new(parcel)
	if err := cbor.Unmarshal(bytes, p); err != nil || p.Stream.Node != from {
		return encode(reply{})
	}
	if term := sh.cfg.Carrier.Term(); term == 0 || p.Stream.Term < term {
		return encode(reply{}) // this node has no vote, or may have voted for the next leader
	}
	sh.forget()
	return encode(sh.cfg.Store.take(p))
}

// forgetEvery is how often a node that follows forgets the samples of groups that
// are gone. On the leader the scheduler does it.
const forgetEvery = time.Minute

func (sh *Shipper) forget() {
	sh.mu.Lock()
	due := time.Since(sh.swept) >= forgetEvery
	if due {
		sh.swept = time.Now()
	}
	sh.mu.Unlock()
	if due {
		sh.cfg.Store.Forget(sh.cfg.Keep)
	}
}

// ship sends one node what it does not have, until ctx ends.
func (sh *Shipper) ship(ctx context.Context, to *shipTo) {
	for ctx.Err() == nil {
		sh.mu.Lock()
		grown := sh.grown
		p := sh.pack(to)
		timeout := sh.lease()
		if to.attached {
			timeout -= time.Since(to.sentAt)
		}
		sh.mu.Unlock()
		bytes := encode(p)
		answer, err := sh.cfg.Carrier.SendParcel(ctx, to.id, bytes, max(timeout, time.Millisecond))
		var r reply
		if err == nil && len(answer) > 0 {
			err = cbor.Unmarshal(answer, &r)
		}
		switch {
		case err != nil || len(answer) > 0 && !r.Taken:
			sh.failed(to)
			pause(ctx, nil, sh.beat()/4)
		case len(answer) == 0:
			sh.passOver(to)
			pause(ctx, nil, 10*sh.beat())
		case sh.replied(to, p, r):
			pause(ctx, nil, time.Duration(len(bytes))*time.Second/maxShipRate)
		default:
			pause(ctx, grown, sh.beat())
		}
	}
}

// pause waits for early, for a time, or for ctx to end.
func pause(ctx context.Context, early <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-early: // blocks for ever when nil
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pack makes the next parcel to a node. A node is attached with the first parcel
// that brings all there is. sh.mu is held.
func (sh *Shipper) pack(to *shipTo) *parcel {
	p := &parcel{Stream: sh.own, Probe: !to.probed}
	if p.Probe {
		return p
	}
	from := max(to.next, sh.first) // what is dropped is a gap
	end, size := from, 0
	for ; end < sh.next && (end == from || size < maxParcel); end++ {
		size += sh.entries[end-sh.first].size()
	}
	p.First, p.Since, p.Follows = from, sh.since, sh.follows
	p.Entries = append(p.Entries, sh.entries[from-sh.first:end-sh.first]...)
	if p.Now = sh.cfg.Now(); len(p.Entries) > 0 {
		p.Now = p.Entries[0].Time
	}
	to.attached = to.attached || end == sh.next
	if to.attached && to.sentAt.IsZero() {
		to.sentAt = time.Now()
		to.exchange++
	}
	p.Attached, p.Exchange = to.attached, to.exchange
	return p
}

// replied notes what a node has, and reports whether there is more for it.
func (sh *Shipper) replied(to *shipTo, p *parcel, r reply) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	to.ignorant = false
	if p.Probe {
		to.probed = true
		to.next = min(max(r.Next, 1), sh.next)
		return true
	}
	to.next, to.sentAt = min(max(r.Next, to.next), sh.next), time.Time{}
	sh.signal()
	return to.next < sh.next
}

// failed detaches a node that did not reply within the lease.
func (sh *Shipper) failed(to *shipTo) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !to.attached || time.Since(to.sentAt) < sh.lease() {
		return
	}
	to.attached, to.probed, to.sentAt = false, false, time.Time{}
	sh.fence = sh.append(entry{Time: sh.cfg.Now()})
	sh.signal()
}

// passOver notes that a node is of a version that takes no parcels.
func (sh *Shipper) passOver(to *shipTo) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	to.ignorant, to.probed, to.attached, to.sentAt = true, false, false, time.Time{}
	sh.signal()
}
