package nodes

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// given are the addresses that FreePorts has answered: a node that is down
// keeps its own.
var given struct {
	sync.Mutex
	addresses map[string]bool
}

// FreePorts finds loopback addresses that nobody listens on, and that no other
// call was given. Ports are below 32768: an ephemeral one could be taken by an
// outgoing connection, even a node's own to itself, while a node is down.
func FreePorts(n int) ([]string, error) {
	given.Lock()
	defer given.Unlock()
	if given.addresses == nil {
		given.addresses = map[string]bool{}
	}
	var addresses []string
	for tries := 0; len(addresses) < n; tries++ {
		if tries > 100*n {
			return nil, fmt.Errorf("no %d free ports on loopback", n)
		}
		address := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(20000))
		if given.addresses[address] {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		given.addresses[address] = true
		addresses = append(addresses, address)
	}
	return addresses, nil
}
