package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/asctl/as/internal/cluster/integrity"
)

const (
	// reopenEvery is how often a directory in which a write failed is tried again.
	reopenEvery = 10 * time.Second
	// roomToReopen is how much has to be free on a disk that was full: one
	// transaction of the log store, and a little.
	roomToReopen = 8 << 20
)

// diskError is why nothing may be written to the storage before it was opened anew.
type diskError struct{ err error }

func (e *diskError) Error() string { return e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// diskFailed takes note of a write that failed. The node mutes before Raft
// learns of it: nothing that Raft makes of a failed write leaves the node.
func (n *Node) diskFailed(err error) {
	n.metrics.diskFailures.Inc()
	n.stopSpeaking(fmt.Sprintf("the disk cannot be written: %v", err))
	select {
	case n.broken <- &diskError{err}:
	default:
	}
}

// live runs Raft on the storage until ctx ends or the node fails. After a write
// that failed Raft is stopped and the storage closed; the state stays readable
// in memory, and the storage is opened anew until that works.
func (n *Node) live(ctx context.Context, storage *Storage, stream *stream, closeStorage func() error) error {
	for {
		err := n.runRaft(ctx, storage, stream)
		var broken *diskError
		if failure := n.disk.broken(); err != nil && failure != nil && n.guard.running.Load() {
			broken = &diskError{failure} // also when Raft could not be started again
		}
		if broken == nil {
			if errors.Is(err, errDiskHangs) {
				return err // to close the storage would be to wait for the disk
			}
			return errors.Join(err, closeStorage())
		}
		if err := closeStorage(); err != nil {
			n.log.Warn("the data directory was not closed in good order", "error", err)
		}
		n.log.Error("a write failed: this node serves old reads only, and tries to open its data directory again",
			"node", n.cfg.NodeID, "every", n.reopenEvery, "error", broken.err)
		stream = newStream(stream.mux, n.dialRaft, n.cfg.AdvertiseRaft, n.open.Load)
		if storage, closeStorage, err = n.reopen(ctx, stream, broken.err); err != nil {
			return err
		}
		if storage == nil {
			return nil // ctx has ended
		}
		n.stream.Store(stream)
		n.speakAgain()
	}
}

// reopen opens the storage again after a write has failed, which reads what the
// disk has. Connections of Raft are refused meanwhile. It returns no storage when
// ctx has ended.
func (n *Node) reopen(ctx context.Context, s *stream, cause error) (*Storage, func() error, error) {
	refuse := newStream(s.mux, n.dialRaft, n.cfg.AdvertiseRaft, n.open.Load)
	refuse.silence(true)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer refuse.Close()
	wg.Go(func() { _, _ = refuse.Accept() })
	tick := time.NewTicker(n.reopenEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case err := <-n.failed:
			return nil, nil, err
		case <-ctx.Done():
			return nil, nil, nil
		}
		storage, closeStorage, err := n.tryToOpen(cause)
		if err == nil {
			return storage, closeStorage, nil
		}
		if integrity.IsDamage(err) {
			return nil, nil, err // no matter how often it is opened
		}
		n.log.Warn("the data directory cannot be opened again yet", "node", n.cfg.NodeID, "error", err)
		n.mute.set(fmt.Sprintf("the disk cannot be written: %v", err))
	}
}

// tryToOpen opens the storage and writes to it once.
func (n *Node) tryToOpen(cause error) (*Storage, func() error, error) {
	full := errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT)
	if full && n.cfg.DataDir != "" {
		free, _, err := freeSpace(n.cfg.DataDir)
		if err == nil && free < roomToReopen {
			return nil, nil, fmt.Errorf("%w; %s is free, %s are needed", cause, inBytes(free), inBytes(roomToReopen))
		}
	}
	n.disk.renew()
	storage, closeStorage, err := n.openStorage()
	if err != nil {
		return nil, nil, err
	}
	if err := n.disk.watch(storage).Stable.Set(probeKey, []byte{1}); err != nil {
		return nil, nil, errors.Join(err, closeStorage())
	}
	select {
	case <-n.broken: // of this attempt
	default:
	}
	return storage, closeStorage, nil
}
