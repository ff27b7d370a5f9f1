package file

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/asctl/as/internal/providers"
)

// line is one entry in the order of the file.
type line struct {
	address  netip.Addr
	instance string
}

// content is the whole file for the entries: sorted by address, each line once,
// so that equal sets give equal bytes.
func content(entries []providers.Entry) ([]byte, error) {
	lines := make([]line, 0, len(entries))
	for _, e := range entries {
		address, err := netip.ParseAddr(e.Address)
		if err != nil || address.Zone() != "" {
			return nil, providers.Errorf(providers.InvalidConfiguration, "%q of %s is not an IP address", e.Address, e.Instance)
		}
		if e.Instance == "" || strings.ContainsFunc(e.Instance, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, providers.Errorf(providers.InvalidConfiguration, "%q is not the name of an instance", e.Instance)
		}
		lines = append(lines, line{address, e.Instance})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.instance, b.instance))
	})
	var b bytes.Buffer
	for _, l := range slices.Compact(lines) {
		b.WriteString(l.address.String())
		b.WriteString(" # ")
		b.WriteString(l.instance)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}
