package cluster

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// Node is one member of the cluster. Its methods may be called at any time,
// also before and after Run.
type Node struct{ cfg Config }

// Leader says who leads.
type Leader struct {
	ID          string
	GRPCAddress string // empty while its record is not known yet
	Term        uint64
}

// Leadership is one term of this node as the leader.
type Leadership struct {
	Term uint64
}

// New checks the configuration; it opens and starts nothing.
func New(cfg Config) (*Node, error) { panic("cluster") }

// Run is the node's life: it blocks until ctx ends, or something is wrong that
// only a person can mend, and leaves nothing behind. It can be called once.
func (n *Node) Run(ctx context.Context) error { panic("cluster") }

// Do is the Writer: it runs fn on the newest state and answers when what it
// wrote is applied, with fn's own error when it had one. fn is pure over tx, is
// called at most once, and not at all when Do answers NO_LEADER.
func (n *Node) Do(ctx context.Context, fn func(tx *fsm.Tx) error) error { panic("cluster") }

// View is the newest applied state of this node.
func (n *Node) View() fsm.View { panic("cluster") }

// LinearizableView is a state that includes everything acknowledged before the
// call. Only the leader answers it; elsewhere it is NO_LEADER.
func (n *Node) LinearizableView(ctx context.Context) (fsm.View, error) { panic("cluster") }

// Leader answers who leads, as far as this node knows.
func (n *Node) Leader() (Leader, bool) { panic("cluster") }

// Machine is the replicated state, for subscriptions.
func (n *Node) Machine() *fsm.Machine { panic("cluster") }

// Now is replicated time: the stamp that a batch would get now.
func (n *Node) Now() autoscaling.Time { panic("cluster") }

// AppliedIndex is Raft's index of the last entry applied here.
func (n *Node) AppliedIndex() uint64 { panic("cluster") }

// Ready says whether the node can serve: it knows a leader that accepts writes,
// reaches it, and has applied what was committed when it started. The reasons
// say what is missing.
func (n *Node) Ready() (bool, []string) { panic("cluster") }

// Status is what this node knows of the cluster, with or without a leader.
func (n *Node) Status() Status { panic("cluster") }

// TransferLeadership makes another node the leader: the given one, or the best
// prepared when nodeID is empty. Writes are held while it happens.
func (n *Node) TransferLeadership(ctx context.Context, nodeID string) error { panic("cluster") }

// Reports are the reports of all nodes that serve, or may serve, a pool. Only
// the leader gets them all.
func (n *Node) Reports(pool string) []peer.NodeReport { panic("cluster") }

// WatchReports is signalled (capacity 1) after the reports changed, until stop
// is called.
func (n *Node) WatchReports() (changed <-chan struct{}, stop func()) { panic("cluster") }
