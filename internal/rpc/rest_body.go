package rpc

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/intake"
)

// A body must come at bodyRate after the first bodyStart, and an answer must be
// taken within answerTime, so that slow callers do not hold what others need.
const (
	bodyStart  = 10 * time.Second
	bodyRate   = 16 << 10 // bytes per second
	answerTime = time.Minute
)

// body is a request's body, read as a whole before anything looks at it.
type body struct {
	*bytes.Reader
	data []byte
}

func (*body) Close() error { return nil }

// limited reads bodies and refuses those that are too big or too slow, before
// anything is made of them.
func (s *Server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := readBody(w, r)
		if err == nil {
			if err = s.load.take(len(data)); err == nil {
				defer s.load.give(len(data))
			}
		}
		if err != nil {
			s.refuseBody(w, err)
			return
		}
		intake.FromContext(r.Context()).Clear() // it is complete, and counted as load
		// Where deadlines are not supported there is none; a watch sets its own.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		r.Body = &body{bytes.NewReader(data), data}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) refuseBody(w http.ResponseWriter, err error) {
	var tooBig *http.MaxBytesError
	var refused *autoscaling.Error
	switch {
	case errors.As(err, &tooBig):
		s.writeError(w, http.StatusRequestEntityTooLarge, refusal(autoscaling.Errorf(autoscaling.LimitExceeded,
			"the body is over %d bytes", maxBody)))
	case errors.As(err, &refused):
		s.writeError(w, http.StatusTooManyRequests, refusal(refused))
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.writeError(w, http.StatusRequestTimeout, refusal(autoscaling.Errorf(autoscaling.InvalidArgument,
			"the body came too slowly: it must come within %.0f s and at %d bytes per second after that", bodyStart.Seconds(), bodyRate)))
	default:
		s.writeError(w, http.StatusBadRequest, refusal(autoscaling.Errorf(autoscaling.InvalidArgument, "read the body: %s", err)))
	}
}

// readBody reads a body into pieces that are allocated as it comes: what was only
// announced takes no memory.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	from, connection, begin := http.MaxBytesReader(w, r.Body, maxBody), http.NewResponseController(w), time.Now()
	var pieces [][]byte
	defer func() {
		for _, p := range pieces {
			if cap(p) == largePiece {
				largePieces.Put((*[largePiece]byte)(p[:largePiece]))
			}
		}
	}()
	for size := 0; ; {
		_ = connection.SetReadDeadline(begin.Add(bodyStart + time.Duration(size)*time.Second/bodyRate)) // see limited
		if last := len(pieces) - 1; last < 0 || len(pieces[last]) == cap(pieces[last]) {
			pieces = append(pieces, newPiece(size))
		}
		p := &pieces[len(pieces)-1]
		n, err := from.Read((*p)[len(*p):cap(*p)])
		*p = (*p)[:len(*p)+n]
		size += n
		switch {
		case err == io.EOF:
			_ = connection.SetReadDeadline(time.Time{}) // the server watches for the caller's leaving
			return slices.Concat(pieces...), nil
		case err != nil:
			return nil, err
		}
	}
}

const largePiece = 64 << 10

var largePieces = sync.Pool{New: func() any { return new([largePiece]byte) }}

// newPiece returns an empty piece that is about as large as what there is.
func newPiece(size int) []byte {
	if size >= largePiece {
		return largePieces.Get().(*[largePiece]byte)[:0]
	}
	return make([]byte, 0, min(max(size, 1<<10), largePiece/2))
}
