package cluster

import (
	"strings"
	"testing"

	"github.com/asctl/as/internal/cluster/peer"
)

func TestStatesAreComparedByAMajorityOfAllVoters(t *testing.T) {
	at := func(sum string) peer.Digest { return peer.Digest{Index: 7, Sum: []byte(sum), Build: "1"} }
	three, five := []string{"n1", "n2", "n3"}, []string{"n1", "n2", "n3", "n4", "n5"}
	for name, c := range map[string]struct {
		voters []string
		known  map[string]peer.Digest // n1 compares
		odd    bool
		want   string // in the text; empty: none
	}{
		"alone":     {[]string{"n1"}, map[string]peer.Digest{"n1": at("a")}, false, ""},
		"all agree": {three, map[string]peer.Digest{"n1": at("a"), "n2": at("a"), "n3": at("a")}, false, ""},
		"it is odd": {three, map[string]peer.Digest{"n1": at("b"), "n2": at("a"), "n3": at("a")}, true,
			`the state of node "n1" after log entry 7 differs from that of 2 of the 3 voters, n2, n3`},
		"another one is odd": {three, map[string]peer.Digest{"n1": at("a"), "n2": at("b"), "n3": at("a")}, false,
			"the state of n2 after log entry 7 differs from that of 2 of the 3 voters, n1, n3, and is wrong"},
		"one against one, and one is away": {three, map[string]peer.Digest{"n1": at("a"), "n2": at("b")}, false,
			"no majority of the 3 voters agrees: n1 against n2; start n3"},
		"of two voters": {[]string{"n1", "n2"}, map[string]peer.Digest{"n1": at("a"), "n2": at("b")}, false,
			"no majority of the 2 voters agrees: n1 against n2; no node ends"},
		"all differ": {three, map[string]peer.Digest{"n1": at("a"), "n2": at("b"), "n3": at("c")}, false,
			"n1 against n2 against n3; no node ends"},
		"two of five are no majority": {five, map[string]peer.Digest{"n1": at("b"), "n2": at("a"), "n3": at("a")}, false,
			"n1 against n2, n3; start n4, n5"},
		"two odd ones of five": {five, map[string]peer.Digest{"n1": at("b"), "n2": at("a"), "n3": at("a"), "n4": at("c"), "n5": at("a")}, true,
			"differs from that of 3 of the 5 voters, n2, n3, n5"},
		"nodes that do not vote do not count": {three, map[string]peer.Digest{"n1": at("b"), "n2": at("a"), "n4": at("a")}, false,
			"n1 against n2; start n3"},
		"one that does not vote is odd": {[]string{"n2", "n3"}, map[string]peer.Digest{"n1": at("b"), "n2": at("a"), "n3": at("a")}, true,
			"differs from that of 2 of the 2 voters"},
		"another index": {three, map[string]peer.Digest{"n1": at("b"), "n2": {Index: 6, Sum: []byte("a"), Build: "1"}, "n3": at("b")}, false, ""},
		"another build": {three, map[string]peer.Digest{"n1": at("b"), "n2": {Index: 7, Sum: []byte("a"), Build: "2"}, "n3": {Index: 7, Sum: []byte("a"), Build: "2"}}, false, ""},
	} {
		voters := map[string]bool{}
		for _, id := range c.voters {
			voters[id] = true
		}
		odd, text := compareStates("n1", c.known, voters)
		if odd != c.odd || (text == "") != (c.want == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %t, %q; want %t, %q", name, odd, text, c.odd, c.want)
		}
	}
}
