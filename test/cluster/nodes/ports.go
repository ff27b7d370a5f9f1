package nodes

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePorts finds loopback addresses that nobody listens on. Ports are below
// 32768: an ephemeral one could be taken by an outgoing connection, even a
// node's own to itself, while a node is down.
func FreePorts(n int) ([]string, error) {
	var addresses []string
	taken := map[string]bool{}
	for tries := 0; len(addresses) < n; tries++ {
		if tries > 100*n {
			return nil, fmt.Errorf("no %d free ports on loopback", n)
		}
		address := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(20000))
		if taken[address] {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		taken[address] = true
		addresses = append(addresses, address)
	}
	return addresses, nil
}
