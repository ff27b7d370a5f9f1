package providers

import (
	"errors"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling/text"
)

func TestWhatProvidersSayIsText(t *testing.T) {
	for _, s := range []string{"\xff\xfe", "a\nb", "\x1b[31m", strings.Repeat("\x00", 100_000), strings.Repeat("é", 100_000)} {
		addresses := make([]string, 1000)
		for n := range addresses {
			addresses[n] = s
		}
		own := []Machine{{ID: s, Instance: s, Cluster: s, Incarnation: s, Zone: s, State: MachineState(s), Addresses: addresses, Message: s}}
		m := Listing{Store: s, Machines: own}.Clean().Machines[0]
		all := append([]string{m.ID, m.Instance, m.Cluster, m.Incarnation, m.Zone, string(m.State), m.Message}, m.Addresses...)
		cause := errors.New(s)
		err := Errorf(Failed, "it said: %w", cause)
		if !errors.Is(err, cause) {
			t.Error("the cause of an error is lost")
		}
		for _, said := range append(all, err.Error()) {
			if bad := text.CheckLine(said); bad != nil || len(said) > text.MaxLine {
				t.Errorf("%.20q: %v", said, bad)
			}
		}
		if len(m.Addresses) > 100 || own[0].ID != s || addresses[0] != s {
			t.Error("addresses are not bounded, or the provider's own listing was changed")
		}
	}
}
