package builtin

import (
	"io"
	"net/http"
	"time"
)

// patientBody is a client's body that fails when nothing of it comes for
// bodyPause, so that a client which announces a body and is silent does not hold
// a connection here and one at a target.
type patientBody struct {
	io.ReadCloser
	connection *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	// Where deadlines are not supported the body is read without one.
	_ = b.connection.SetReadDeadline(time.Now().Add(bodyPause))
	n, err := b.ReadCloser.Read(p)
	if err != nil { // also its end: from here on the server watches for the client's leaving
		_ = b.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}
