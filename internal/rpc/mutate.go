package rpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"maps"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// mutation is what every request that changes something has.
type mutation interface {
	proto.Message
	GetRequestId() string
	GetValidateOnly() bool
}

// errDryRun makes the writer undo what a dry run wrote.
var errDryRun = errors.New("dry run")

// recorded is a refusal that is committed: the function succeeds, the call does not.
type recorded struct{ err *autoscaling.Error }

func (r *recorded) Error() string { return r.err.Message }

// mutate runs one operation on the writer and answers what it answered. It is
// the only place that knows request_id and validate_only:
//
//   - a request_id that was accepted before gets its first answer again, and one
//     that meant something else is refused; only accepted requests are remembered;
//   - a dry run is the operation itself, undone;
//   - a recorded refusal is committed and then answered as the error that it is.
//
// op is pure over tx and converts its answer itself, while tx is valid.
func mutate[A proto.Message](ctx context.Context, s *Server, namespace string, req mutation, op func(*fsm.Tx) (A, error)) (A, error) {
	return mutateOr(ctx, s, namespace, req, op, rereadByName[A])
}

// mutateOr is mutate for an answer without a name of its own: reread makes the
// answer to a repeated request when the first one was too big to be kept.
func mutateOr[A proto.Message](ctx context.Context, s *Server, namespace string, req mutation,
	op func(*fsm.Tx) (A, error), reread func(*fsm.Tx, string) (A, error),
) (A, error) {
	var (
		answer, none A
		refused      *autoscaling.Error
		id           = req.GetRequestId()
		dryRun       = req.GetValidateOnly()
		hash         []byte
	)
	if id != "" {
		hash = contentHash(req)
	}
	err := s.node.Do(ctx, func(tx *fsm.Tx) error {
		if id != "" {
			if earlier := tx.Request(namespace, id); earlier != nil {
				var err error
				answer, err = replay(tx, earlier, hash, reread)
				return err
			}
		}
		a, err := op(tx)
		if again, ok := err.(*recorded); ok {
			refused = again.err
		} else if err != nil {
			return err
		}
		if dryRun {
			answer = a
			return errDryRun
		}
		if refused != nil {
			return nil
		}
		answer = a
		if id != "" {
			return remember(tx, namespace, id, hash, a)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return none, err
	}
	if refused != nil {
		if dryRun {
			refused = unrecorded(refused)
		}
		return none, refused
	}
	return answer, nil
}

// unrecorded is a refusal without the name of its record, which a dry run undid.
func unrecorded(refused *autoscaling.Error) *autoscaling.Error {
	again := *refused
	again.Metadata = maps.Clone(refused.Metadata)
	delete(again.Metadata, "activity")
	return &again
}

// contentHash is the hash of a request's kind and content: the same for the same
// request, dry run or not.
func contentHash(req mutation) []byte {
	canonical := proto.CloneOf(req)
	m := canonical.ProtoReflect()
	fields := m.Descriptor().Fields()
	for _, name := range []protoreflect.Name{"request_id", "validate_only"} {
		m.Clear(fields.ByName(name))
	}
	h := sha256.New()
	h.Write([]byte(m.Descriptor().FullName()))
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(canonical)
	if err != nil {
		panic("rpc: encode a decoded request: " + err.Error())
	}
	h.Write([]byte{0})
	h.Write(content)
	return h.Sum(nil)
}

// remember keeps the answer under the request's id; a big one only by name.
func remember(tx *fsm.Tx, namespace, id string, hash []byte, answer proto.Message) error {
	r := &autoscaling.Request{Namespace: namespace, ID: id, Hash: hash, Time: tx.Now()}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	if err != nil {
		return err
	}
	if len(encoded) <= autoscaling.MaxAnswer {
		r.Answer = encoded
	} else if named, ok := answer.(interface{ GetName() string }); ok {
		r.Name = named.GetName()
	} else {
		r.Name = unnamed
	}
	tx.PutRequest(r)
	return nil
}

// unnamed is remembered instead of the name of an answer that has none.
const unnamed = "-"

// replay answers what was answered before.
func replay[A proto.Message](tx *fsm.Tx, earlier *autoscaling.Request, hash []byte, reread func(*fsm.Tx, string) (A, error)) (A, error) {
	var none A
	if !bytes.Equal(earlier.Hash, hash) {
		return none, autoscaling.Errorf(autoscaling.IdempotencyMismatch,
			"the request_id %q was used before, with other content", earlier.ID)
	}
	if earlier.Name != "" {
		return reread(tx, earlier.Name)
	}
	a := none.ProtoReflect().Type().New().Interface().(A)
	return a, proto.Unmarshal(earlier.Answer, a)
}

func rereadByName[A proto.Message](tx *fsm.Tx, name string) (A, error) {
	var none A
	m, err := readByName(tx.Reader, name)
	if err != nil {
		return none, err
	}
	return m.(A), nil
}

// accepted makes an error of an activity that records a refusal.
func accepted(a *autoscaling.Activity, err error) (*autoscaling.Activity, error) {
	if err != nil {
		return nil, err
	}
	if refused := control.RefusalError(a); refused != nil {
		return a, &recorded{refused}
	}
	return a, nil
}
