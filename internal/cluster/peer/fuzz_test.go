package peer

import (
	"bytes"
	"io"
	"reflect"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

// talk is a connection to somebody that says what it likes.
type talk struct {
	io.Reader
	io.Writer
}

// handshakeOf returns the messages as they are sent.
func handshakeOf(f *testing.F, messages ...any) []byte {
	var b bytes.Buffer
	for _, m := range messages {
		if _, err := sendHandshake(&b, m); err != nil {
			f.Fatal(err)
		}
	}
	return b.Bytes()
}

// FuzzHandshake: whatever the other end says, without the secret it is neither
// accepted nor breaks anything.
func FuzzHandshake(f *testing.F) {
	n1 := Identity{Cluster: "c1", Lineage: "l1", Node: "n1", Directory: "d1"}
	hello := &opening{Version: protocolVersion, Kind: KindRaft, Identity: n1}
	f.Add(handshakeOf(f, hello, &verdict{Proof: make([]byte, 32)}, &verdict{}))
	f.Add(handshakeOf(f, hello, &verdict{Refused: "no\n"}, &verdict{}))
	f.Add(handshakeOf(f, &opening{Version: 9, Kind: 'X'}, &verdict{}, &verdict{}))
	f.Add([]byte{0xff, 0xff, 0xa0})
	f.Add([]byte{0, 1, 0xa0, 0, 1, 0xa0, 0, 1, 0xa0})
	f.Add([]byte{0, 2, 0x9b, 0xff})
	us := node(f, "n2", secrets(f, testSecret))
	exporter := make([]byte, exporterSize)
	f.Fuzz(func(t *testing.T, said []byte) {
		if _, _, err := us.proveAsServer(talk{bytes.NewReader(said), io.Discard}, exporter); err == nil {
			t.Error("the server accepted what it was told")
		}
		if _, err := us.proveAsClient(talk{bytes.NewReader(said), io.Discard}, exporter, KindRaft, target{}); err == nil {
			t.Error("the client accepted what it was told")
		}
	})
}

// FuzzMessage: a message that is read can be written, and is read again as it was.
func FuzzMessage(f *testing.F) {
	for _, m := range []message{
		&request{Hello: &hello{Record: autoscaling.Node{ID: "n1"}, Boot: "b"}},
		&request{Ping: &ping{Shipped: true, Reports: []Report{{Pool: "web", Index: 1, Open: map[string]int32{"i-1": 2}}}}},
		&request{Ask: &ask{Leader: "n1", Term: 3}},
		&response{Pong: &State{Term: 1, Leads: true}},
		&response{Refused: "no", Duplicate: true},
	} {
		var b bytes.Buffer
		if err := writeMessage(&b, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte{byte(pingKind), 0x00, 0x7f, 0xff, 0xff, 0xa1})
	f.Add([]byte{byte(helloKind), 0, 0, 0, 2, 0x9b, 0xff})
	f.Fuzz(func(t *testing.T, sent []byte) {
		for _, m := range []message{new(request), new(response)} {
			if readMessage(bytes.NewReader(sent), m) != nil {
				continue
			}
			var first, second bytes.Buffer
			if err := writeMessage(&first, m); err != nil {
				t.Fatalf("%+v was read and cannot be written: %v", m, err)
			}
			again := reflect.New(reflect.TypeOf(m).Elem()).Interface().(message)
			if err := readMessage(bytes.NewReader(first.Bytes()), again); err != nil {
				t.Fatal(err)
			}
			if err := writeMessage(&second, again); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Errorf("%x became %x, %v", first.Bytes(), second.Bytes(), err)
			}
		}
	})
}
