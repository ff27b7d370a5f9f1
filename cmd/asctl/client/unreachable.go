package client

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Unreachable is that no address accepts connections.
type Unreachable struct {
	Addresses []string
	cause     error
}

func unreachable(addresses []string, cause error) error {
	return &Unreachable{Addresses: addresses, cause: cause}
}

func (u *Unreachable) Error() string {
	why := status.Convert(u.cause).Message()
	// gRPC wraps what the network said in its own words; only that is of use here.
	if _, said, ok := strings.Cut(why, "Error while dialing: "); ok {
		why = strings.Trim(said, `"`)
	}
	return fmt.Sprintf("no server answers at %s: %s", strings.Join(u.Addresses, ", "), why)
}

// GRPCStatus makes it the UNAVAILABLE that it is.
func (u *Unreachable) GRPCStatus() *status.Status { return status.New(codes.Unavailable, u.Error()) }
