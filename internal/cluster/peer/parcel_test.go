package peer

import (
	"bytes"
	"testing"
)

func TestParcelsHaveAFrame(t *testing.T) {
	for size, fits := range map[int]bool{1: true, 512 << 10: true, 2 << 20: false} {
		var wire bytes.Buffer
		sent, got := &request{Parcel: make([]byte, size)}, new(request)
		if err := writeMessage(&wire, sent); (err == nil) != fits {
			t.Errorf("%d bytes: %v", size, err)
		}
		if !fits {
			continue
		}
		if err := readMessage(&wire, got); err != nil || len(got.Parcel) != size {
			t.Errorf("%d of %d bytes: %v", len(got.Parcel), size, err)
		}
	}
}
