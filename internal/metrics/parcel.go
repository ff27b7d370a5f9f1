package metrics

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/asctl/as/internal/autoscaling"
)

// stream names the samples that one leader took in one term.
type stream struct {
	Node string `cbor:"1,keyasint"`
	Boot string `cbor:"2,keyasint"` // different for each run of a process
	Term uint64 `cbor:"3,keyasint"`
}

// mark is a position in a stream: all entries before Next.
type mark struct {
	Stream stream `cbor:"1,keyasint"`
	Next   uint64 `cbor:"2,keyasint"`
}

// entry is what was put at once. Its number in its stream is its place.
type entry struct {
	Group  autoscaling.UID  `cbor:"1,keyasint"`
	Source string           `cbor:"2,keyasint"`
	Time   autoscaling.Time `cbor:"3,keyasint"` // when it was put
	Runs   []run            `cbor:"4,keyasint"`
}

// run is samples of one metric.
type run struct {
	Metric string             `cbor:"1,keyasint"`
	Times  []autoscaling.Time `cbor:"2,keyasint"`
	Values []float64          `cbor:"3,keyasint"`
}

// parcel is what a leader sends to another node.
type parcel struct {
	// Probe asks only whether the other takes parcels.
	Probe   bool    `cbor:"1,keyasint,omitempty"`
	Stream  stream  `cbor:"2,keyasint"`
	First   uint64  `cbor:"3,keyasint"` // the number of the first entry
	Entries []entry `cbor:"4,keyasint,omitempty"`
	// Attached says that the leader confirms no sample from now on that the other
	// does not have, until it has waited for the other in vain. Exchange counts the
	// parcels of the stream that were replied to.
	Attached bool   `cbor:"5,keyasint,omitempty"`
	Exchange uint64 `cbor:"6,keyasint,omitempty"`
	// Since is since when the leader has all samples; Follows is what it had of the
	// stream before this one.
	Since   autoscaling.Time `cbor:"7,keyasint"`
	Follows mark             `cbor:"8,keyasint"`
	Now     autoscaling.Time `cbor:"9,keyasint"` // when First was put, or later
}

// reply is that to a parcel.
type reply struct {
	Taken bool   `cbor:"1,keyasint"` // false: the receiver knows of a later term
	Next  uint64 `cbor:"2,keyasint"` // the number of the entry that it waits for
}

func newEntry(group autoscaling.UID, source string, batch []Sample, now autoscaling.Time) entry {
	e := entry{Group: group, Source: source, Time: now}
	for i := range batch {
		if i == 0 || batch[i].Metric != batch[i-1].Metric {
			e.Runs = append(e.Runs, run{Metric: batch[i].Metric})
		}
		r := &e.Runs[len(e.Runs)-1]
		r.Times, r.Values = append(r.Times, batch[i].at(now)), append(r.Values, batch[i].Value)
	}
	return e
}

func (e *entry) samples() []Sample {
	var batch []Sample
	for _, r := range e.Runs {
		for i := range min(len(r.Times), len(r.Values)) {
			batch = append(batch, Sample{Metric: r.Metric, Value: r.Values[i], Time: r.Times[i]})
		}
	}
	return batch
}

// size is about how many bytes the entry takes, in memory or encoded.
func (e *entry) size() int {
	n := 100 + len(e.Group)
	for _, r := range e.Runs {
		n += 60 + len(r.Metric) + 18*len(r.Times)
	}
	return n
}

func encode(v any) []byte {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic("metrics: " + err.Error()) // these types have nothing that cannot be encoded
	}
	return b
}
