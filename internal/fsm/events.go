package fsm

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// MaxEvents bounds the event log.
const MaxEvents = 100_000

// eventLog keeps the newest MaxEvents in chunks. Copying the struct captures
// it. What is kept follows from the last index alone, so that every replica
// drops the same ones.
type eventLog struct {
	last   uint64
	base   uint64 // index of the first event of chunks[0], minus 1; a multiple of the chunk's size
	chunks []*eventChunk
	owner  *epoch // whose the slice and its last chunk are
}

const eventsPerChunk = 256

type eventChunk [eventsPerChunk]*autoscaling.Event

func (l *eventLog) first() uint64 {
	if l.last == 0 {
		return 0
	}
	if l.last <= MaxEvents {
		return 1
	}
	return l.last - MaxEvents + 1
}

// own makes the slice and its last chunk writable, and lets go of the chunks
// that hold nothing any more.
func (l *eventLog) own(e *epoch) {
	if l.owner == e {
		return
	}
	gone := 0
	if first := l.first(); first > 0 {
		gone = min(int((first-1-l.base)/eventsPerChunk), len(l.chunks))
	}
	chunks := make([]*eventChunk, len(l.chunks)-gone, len(l.chunks)-gone+1)
	copy(chunks, l.chunks[gone:])
	if n := len(chunks); n > 0 {
		tail := *chunks[n-1]
		chunks[n-1] = &tail
	}
	l.base += uint64(gone) * eventsPerChunk
	l.chunks, l.owner = chunks, e
}

// append adds an event whose index is one more than the last, or the first one
// of an empty log.
func (l *eventLog) append(e *epoch, event *autoscaling.Event) {
	l.own(e)
	if l.last == 0 {
		l.base = (event.Index - 1) / eventsPerChunk * eventsPerChunk
	}
	at := event.Index - 1 - l.base
	if at/eventsPerChunk == uint64(len(l.chunks)) {
		l.chunks = append(l.chunks, new(eventChunk))
	}
	l.chunks[at/eventsPerChunk][at%eventsPerChunk] = event
	l.last = event.Index
}

// truncate takes back what was appended after last.
func (l *eventLog) truncate(last uint64) {
	for ; l.last > last; l.last-- {
		at := l.last - 1 - l.base
		l.chunks[at/eventsPerChunk][at%eventsPerChunk] = nil
		if at%eventsPerChunk == 0 {
			l.chunks = l.chunks[:at/eventsPerChunk]
		}
	}
}

func (l *eventLog) get(index uint64) *autoscaling.Event {
	at := index - 1 - l.base
	return l.chunks[at/eventsPerChunk][at%eventsPerChunk]
}

// after iterates over what is kept with an index above the given one, as it is
// when the iteration begins.
func (l *eventLog) after(index uint64) iter.Seq[*autoscaling.Event] {
	return func(yield func(*autoscaling.Event) bool) {
		captured := *l
		if captured.last == 0 {
			return
		}
		for i := max(captured.first(), index+1); i <= captured.last; i++ {
			if !yield(captured.get(i)) {
				return
			}
		}
	}
}
