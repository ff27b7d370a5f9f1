package cluster

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/google/uuid"

	"github.com/asctl/as/internal/autoscaling"
)

// RandomIDs makes ids that no other node makes.
type RandomIDs struct{}

func (RandomIDs) UID() autoscaling.UID { return autoscaling.UID(uuid.NewString()) }

func (RandomIDs) InstanceID() autoscaling.InstanceID {
	var b [9]byte
	rand.Read(b[:]) // never fails, by its contract
	return autoscaling.InstanceID("i-" + hex.EncodeToString(b[:])[:17])
}
