package process

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// A machine that was made for an instance has the instance's name. One that
// somebody else started is named PID@ADDRESS: which process, and at which of the
// host's addresses it serves.

// outsideID is the name of a process that somebody else started.
func outsideID(pid int, address netip.Addr) string { return fmt.Sprintf("%d@%s", pid, address) }

// parseOutsideID is false for anything else.
func parseOutsideID(id string) (pid int, address netip.Addr, ok bool) {
	number, text, ok := strings.Cut(id, "@")
	if !ok {
		return 0, netip.Addr{}, false
	}
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 0 {
		return 0, netip.Addr{}, false
	}
	address, err = netip.ParseAddr(text)
	return pid, address.Unmap(), err == nil
}

// servesHere says whether a process of this host can be reached at the address,
// and why not.
func servesHere(address netip.Addr) error {
	switch {
	case address.Zone() != "" || address.IsUnspecified() || address.IsMulticast():
		return fmt.Errorf("%s is not the address of a machine", address)
	case address.IsLoopback():
		return nil
	}
	mine, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("the host's addresses: %w", err)
	}
	for _, a := range mine {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == address {
			return nil
		}
	}
	return fmt.Errorf("%s is not an address of this host", address)
}
