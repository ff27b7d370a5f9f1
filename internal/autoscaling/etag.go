package autoscaling

import "strconv"

// Etag is the resource's entity tag: its revision.
func (m *Meta) Etag() string { return strconv.FormatUint(m.Revision, 10) }
