package rpc

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/internal/autoscaling"
)

// Enums go by name where the record keeps a name, and by number where it keeps a
// number. Messages may share maps with the records that they are made of: neither
// is changed afterwards.

// enum is the value of a name; 0 for "" and for a name that the API does not know.
func enum[E ~int32](values map[string]int32, name string) E { return E(values[name]) }

// name is the name of a value; "" for 0, which means "the default".
func name[E interface {
	~int32
	String() string
}, N ~string](e E) N {
	if e == 0 {
		return ""
	}
	return N(e.String())
}

// orDefault is the given name, or the default when it is "".
func orDefault[N ~string](given, otherwise N) N {
	if given == "" {
		return otherwise
	}
	return given
}

// fingerprint is the etag of a record that counts no revisions: it differs when
// one of the numbers does.
func fingerprint(values ...int64) string {
	h := fnv.New64a()
	var b [8]byte
	for _, v := range values {
		binary.BigEndian.PutUint64(b[:], uint64(v))
		_, _ = h.Write(b[:]) // never fails
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

func timestamp(t autoscaling.Time) *timestamppb.Timestamp {
	if t == 0 {
		return nil
	}
	seconds, micros := int64(t)/1e6, int64(t)%1e6
	if micros < 0 {
		seconds, micros = seconds-1, micros+1e6
	}
	return &timestamppb.Timestamp{Seconds: seconds, Nanos: int32(micros) * 1000}
}

// instant is 0 when t is not set. The Unix epoch, which is a time that a caller
// may send, becomes the microsecond after it.
func instant(t *timestamppb.Timestamp) autoscaling.Time {
	if t == nil {
		return 0
	}
	if us := t.AsTime().UnixMicro(); us != 0 {
		return autoscaling.Time(us)
	}
	return 1
}

func duration(d time.Duration) *durationpb.Duration { return durationpb.New(d) }

// durationOr is the given duration, or the default when it is not set.
func durationOr(d *durationpb.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.AsDuration()
}

// valueOr is what p points at, or the default when it is not set.
func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// convertAll converts one by one; nothing stays nothing.
func convertAll[F, T any](from []F, convert func(F) T) []T {
	if len(from) == 0 {
		return nil
	}
	to := make([]T, len(from))
	for i, f := range from {
		to[i] = convert(f)
	}
	return to
}
