package process

import (
	"sync"

	"golang.org/x/sys/unix"
)

// handles keeps a pidfd of each running process that a listing has seen, so that
// one system call asks for all of them instead of three for each. What it knows
// can be found out again: without handles, or beyond their limit, /proc answers.
type handles struct {
	mu    sync.Mutex // held over a poll that does not wait
	limit int
	byID  map[identity]int // pidfds
}

const handleLimit = 4096

// newHandles leaves most of the process's descriptors to others.
func newHandles() handles {
	limit := handleLimit
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err == nil && r.Cur/4 < uint64(limit) {
		limit = int(r.Cur / 4)
	}
	return handles{limit: limit, byID: make(map[identity]int)}
}

// running answers which of the processes run.
func (p *Provider) running(ids []identity) map[identity]bool {
	h := &p.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	alive := make(map[identity]bool, len(ids))
	fds := make([]unix.PollFd, 0, len(ids))
	asked := make([]identity, 0, len(ids))
	for _, id := range ids {
		descriptor, ok := h.byID[id]
		if !ok {
			descriptor, ok = p.open(id)
		}
		if !ok {
			alive[id] = p.alive(id)
			continue
		}
		fds = append(fds, unix.PollFd{Fd: int32(descriptor), Events: unix.POLLIN})
		asked = append(asked, id)
	}
	_, err := ignoringEINTR(func() (int, error) { return unix.Poll(fds, 0) })
	for i, id := range asked {
		if err != nil {
			alive[id] = p.alive(id)
			continue
		}
		alive[id] = fds[i].Revents == 0 // readable: it ended
	}
	for id, descriptor := range h.byID {
		if !alive[id] { // ended, or not asked for any more
			_ = unix.Close(descriptor)
			delete(h.byID, id)
		}
	}
	return alive
}

// open adds a handle for a process that runs.
func (p *Provider) open(id identity) (descriptor int, ok bool) {
	if len(p.handles.byID) >= p.handles.limit || !p.alive(id) {
		return 0, false
	}
	descriptor, err := unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return 0, false
	}
	if !p.alive(id) { // the number may have changed hands in between
		_ = unix.Close(descriptor)
		return 0, false
	}
	p.handles.byID[id] = descriptor
	return descriptor, true
}

func (h *handles) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, descriptor := range h.byID {
		_ = unix.Close(descriptor)
	}
	h.byID, h.limit = nil, 0
}
