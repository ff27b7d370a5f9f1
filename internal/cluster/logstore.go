package cluster

import (
	"sync"

	"github.com/hashicorp/raft"
)

// deleteChunk is how many entries one transaction deletes: more would hold up
// the commits that wait behind it.
const deleteChunk = 256

// chunked deletes the beginning of a log in small transactions.
type chunked struct{ raft.LogStore }

func (c chunked) DeleteRange(from, to uint64) error {
	first, err := c.FirstIndex()
	if err != nil {
		return err
	}
	last, err := c.LastIndex()
	if err != nil {
		return err
	}
	if from > first || to >= last {
		// The end of the log: in one piece, since what a crash leaves of it would
		// be behind a gap.
		return c.LogStore.DeleteRange(from, to)
	}
	for ; from <= to; from += deleteChunk {
		if err := c.LogStore.DeleteRange(from, min(to, from+deleteChunk-1)); err != nil {
			return err
		}
	}
	return nil
}

// Bounds of the log cache: entries, and bytes in them.
const (
	cachedEntries = 4096
	cachedBytes   = 64 << 20
)

// logCache keeps the newest entries in memory, so that replication does not
// read what was just written. Unlike Raft's own it is bounded in bytes: entries
// may be large.
type logCache struct {
	raft.LogStore

	mu    sync.RWMutex
	ring  []*raft.Log // by index modulo its length
	low   uint64      // the cached ones are low..high; low > high when none is
	high  uint64
	bytes int
	limit int // of bytes
}

func newLogCache(store raft.LogStore) *logCache {
	return &logCache{LogStore: store, ring: make([]*raft.Log, cachedEntries), low: 1, limit: cachedBytes}
}

func (c *logCache) at(index uint64) **raft.Log { return &c.ring[index%uint64(len(c.ring))] }

func (c *logCache) GetLog(index uint64, log *raft.Log) error {
	c.mu.RLock()
	if index >= c.low && index <= c.high {
		*log = **c.at(index)
		c.mu.RUnlock()
		return nil
	}
	c.mu.RUnlock()
	return c.LogStore.GetLog(index, log)
}

func (c *logCache) StoreLog(log *raft.Log) error { return c.StoreLogs([]*raft.Log{log}) }

func (c *logCache) StoreLogs(logs []*raft.Log) error {
	if err := c.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range logs {
		if c.low > c.high || l.Index != c.high+1 {
			c.clear(l.Index)
		}
		c.high = l.Index
		*c.at(l.Index) = l
		c.bytes += len(l.Data)
		for c.high-c.low >= uint64(len(c.ring))-1 || (c.bytes > c.limit && c.low < c.high) {
			c.dropLowest()
		}
	}
	return nil
}

func (c *logCache) DeleteRange(from, to uint64) error {
	c.mu.Lock()
	if from > c.low {
		c.clear(from) // the end of the log: rare
	}
	for c.low <= c.high && c.low <= to {
		c.dropLowest()
	}
	c.mu.Unlock()
	return c.LogStore.DeleteRange(from, to)
}

func (c *logCache) dropLowest() {
	slot := c.at(c.low)
	c.bytes -= len((*slot).Data)
	*slot = nil
	c.low++
}

// clear empties the cache; the next entry will be next.
func (c *logCache) clear(next uint64) {
	for c.low <= c.high {
		c.dropLowest()
	}
	c.low, c.high = next, next-1
}
