package peer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// Secrets are the cluster's shared secrets. A node proves itself with the first
// and accepts a proof made with any of them, so that a secret can be replaced
// on one node after another. Without one, every process that can connect passes
// for a node.
type Secrets struct {
	keys [][]byte
}

const (
	// minSecret is the least length of a secret in bytes. A recorded handshake
	// can be tried offline against guesses, so a secret is drawn, not thought up.
	minSecret  = 16
	maxSecret  = 1 << 10
	maxSecrets = 16
)

// ParseSecrets reads a list of secrets, one a line. Empty lines and space
// around a secret are ignored.
func ParseSecrets(text string) (Secrets, error) {
	var s Secrets
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		secret := strings.TrimSpace(line)
		switch {
		case secret == "":
			continue
		case len(secret) < minSecret:
			return Secrets{}, fmt.Errorf("the secret in line %d has %d characters: at least %d are required", number, len(secret), minSecret)
		case len(secret) > maxSecret:
			return Secrets{}, fmt.Errorf("the secret in line %d has %d characters: at most %d are allowed", number, len(secret), maxSecret)
		case len(s.keys) == maxSecrets:
			return Secrets{}, fmt.Errorf("more than %d secrets", maxSecrets)
		}
		s.keys = append(s.keys, []byte(secret))
	}
	if len(s.keys) == 0 {
		return Secrets{}, errors.New("no secret in it: one a line is required")
	}
	return s, nil
}

// RandomSecrets returns a secret that no other process has.
func RandomSecrets() Secrets { return Secrets{keys: [][]byte{[]byte(rand.Text())}} }

// None reports whether there is no secret.
func (s Secrets) None() bool { return len(s.keys) == 0 }

// all returns the keys that are accepted, the one that proves first.
func (s Secrets) all() [][]byte {
	if s.None() {
		return [][]byte{nil}
	}
	return s.keys
}
