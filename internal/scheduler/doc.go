// Package scheduler is the work that only a leader does: it looks at groups
// that changed or whose time has come (package plan says what is to be done),
// has the facts written, carries out the effects outside on bounded workers,
// and reports what came of them.
//
// It makes no choices: which machine, which zone, which victim is in the state.
// It keeps nothing that the next leader would miss: queues, windows and counters
// live for one term and are built again from the state and from the providers'
// listings. It is driven by two signals, groups that changed and deadlines that
// came, so that an idle group costs nothing.
//
//	subscription ─► dirty groups ─┐                       ┌─► lanes ─► machines ─┐
//	heap of wakes ────────────────┴─► pass (plan.Look) ───┼─► sets ─► lists, pools┼─► reporter ─► writer
//	                                       │              └─► prober             │
//	                                       └─► decisions ─────────────────────────┘
//	outbox ─► notifier ─► webhooks ─► results ─► writer   (a loop of its own)
//	observers (List), pool status, alarms, usage, checks, sweeps ───────────────► reporter, writer
package scheduler
