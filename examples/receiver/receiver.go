package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"time"
)

// event is what we read of a CloudEvent.
type event struct {
	ID   string    `json:"id"`
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	Data struct {
		Namespace  string            `json:"namespace"`
		Group      string            `json:"group"`
		Instance   string            `json:"instance"`
		State      string            `json:"state"`
		Step       string            `json:"step"`
		Subject    string            `json:"subject"`
		Message    string            `json:"message"`
		Attributes map[string]string `json:"attributes"`
	} `json:"data"`
}

// String is one line; the attributes, among them tokens, are not in it.
func (e event) String() string {
	d := e.Data
	parts := []string{e.Time.Format(time.RFC3339), e.Type}
	for _, p := range []string{d.Group, d.Instance, d.State, d.Step, d.Subject, d.Message} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " ")
}

const (
	maxBody = 1 << 20
	maxSeen = 10_000
)

// receiver takes what is signed. What it cannot take it answers with an error,
// and gets it again later; what it has taken it may get again, too.
type receiver struct {
	secrets   [][]byte
	now       func() time.Time
	print     func(event)
	completer *completer // nil: hooks are somebody else's

	mu   sync.Mutex
	seen map[string]bool // ids of the last messages
	ids  []string        // the same, oldest first
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if err := check(r.secrets, req.Header, body, r.now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		http.Error(w, "the body is no CloudEvent", http.StatusBadRequest)
		return
	}
	id := req.Header.Get("webhook-id")
	if !r.has(id) {
		r.print(e)
		if err := r.act(req.Context(), e); err != nil {
			log.Printf("%s: %v", id, err)
			http.Error(w, "try again", http.StatusInternalServerError)
			return
		}
		r.remember(id)
	}
	w.WriteHeader(http.StatusNoContent)
}

// act does what is to be done about an event, before it is taken.
func (r *receiver) act(ctx context.Context, e event) error {
	if r.completer == nil || e.Type != "as.lifecycle_action_opened" {
		return nil
	}
	if err := r.completer.complete(ctx, e); err != nil {
		return fmt.Errorf("complete hook %s of %s: %w", e.Data.Attributes["hook"], e.Data.Instance, err)
	}
	return nil
}

func (r *receiver) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[id]
}

func (r *receiver) remember(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if !r.seen[id] {
		r.seen[id] = true
		r.ids = append(r.ids, id)
	}
	if len(r.ids) > maxSeen {
		delete(r.seen, r.ids[0])
		r.ids = r.ids[1:]
	}
}
