package cluster

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

const (
	lookEvery = 2 * time.Second
	// relieveAfter is how long a node leads at least before it hands over because
	// it runs short of something: at most one such hand-over in that time.
	relieveAfter = 30 * time.Second
	// A disk is low below a tenth of it, and at most lowSpace; descriptors are
	// below a tenth of the limit, and at most lowFiles.
	lowSpace = 128 << 20
	lowFiles = 256
)

// Resources are what a node may run short of. A total of 0: it is not known.
type Resources struct {
	DiskFree, DiskTotal uint64 // bytes of the file system of the data directory
	FilesFree, Files    uint64 // descriptors that may still be opened, and their limit
}

// low returns the conditions of a node that has so much left.
func (r Resources) low() []autoscaling.Condition {
	var conditions []autoscaling.Condition
	if r.DiskTotal > 0 && r.DiskFree < min(lowSpace, r.DiskTotal/10) {
		conditions = append(conditions, autoscaling.Condition{Type: ConditionDiskLow, Reason: "LITTLE_SPACE",
			Message: fmt.Sprintf("the disk of the data directory has %s free of %s; when it is full the node takes no part", inBytes(r.DiskFree), inBytes(r.DiskTotal))})
	}
	if r.Files > 0 && r.FilesFree < min(lowFiles, r.Files/10) {
		conditions = append(conditions, autoscaling.Condition{Type: ConditionFilesLow, Reason: "FEW_DESCRIPTORS",
			Message: fmt.Sprintf("%d of %d file descriptors are left; without them no connection can be made or taken", r.FilesFree, r.Files)})
	}
	return conditions
}

// watchReserve looks after what the node may run short of, until ctx ends, and
// hands leadership over while it does. It has a goroutine of its own: a file
// system that hangs may not tell its size either.
func (n *Node) watchReserve(ctx context.Context) {
	look := n.cfg.Resources
	if look == nil {
		own := &ownResources{dir: n.cfg.DataDir}
		defer own.close()
		look = own.look
	}
	tick := time.NewTicker(n.paced(lookEvery))
	defer tick.Stop()
	for {
		n.conditions.set(look().low(), autoscaling.TimeOf(n.cfg.Clock()))
		n.relieve(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// relieve hands leadership to a node that has room when this one has not. When
// none has, leadership stays: it would go in a circle.
func (n *Node) relieve(ctx context.Context) {
	s := n.session.Load()
	low := n.conditions.all()
	if len(low) == 0 || s == nil || !n.leads() || time.Since(s.began) < n.paced(relieveAfter) {
		return
	}
	target := ""
	var last uint64
	for _, p := range n.peers.Peers() {
		if p.Up && p.State.Mute == "" && p.State.Room && (target == "" || p.State.Last > last) {
			target, last = p.ID, p.State.Last
		}
	}
	if target == "" {
		return
	}
	n.log.Warn("handing leadership over: this node runs short", "to", target, "reason", low[0].Message)
	ctx, cancel := context.WithTimeout(ctx, n.paced(resignTimeout))
	defer cancel()
	if err := n.TransferLeadership(ctx, target); err != nil {
		n.log.Warn("leadership was not handed over", "to", target, "error", err)
		return
	}
	n.metrics.reliefs.Inc()
}

// ownResources looks at this process. The directory of its descriptors is kept
// open: when there are none left it could not be opened.
type ownResources struct {
	dir   string // empty: no disk is used
	files *os.File
}

func (o *ownResources) look() Resources {
	var r Resources
	if o.dir != "" {
		if free, total, err := freeSpace(o.dir); err == nil {
			r.DiskFree, r.DiskTotal = free, total
		}
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return r
	}
	if o.files == nil {
		o.files, _ = os.Open("/proc/self/fd") // none: then it is not known
	}
	if o.files == nil {
		return r
	}
	if _, err := o.files.Seek(0, 0); err != nil {
		return r
	}
	names, err := o.files.Readdirnames(-1)
	if err != nil {
		return r
	}
	r.Files = limit.Cur
	r.FilesFree = limit.Cur - min(limit.Cur, uint64(len(names)))
	return r
}

func (o *ownResources) close() {
	if o.files != nil {
		o.files.Close()
	}
}
