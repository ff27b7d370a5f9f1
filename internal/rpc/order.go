package rpc

import (
	"strings"

	"go.einride.tech/aip/ordering"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
)

// order is how a list is sorted, before its default order decides.
type order []orderBy

type orderBy struct {
	path fieldPath
	desc bool
}

// maxOrder bounds the fields of an order.
const maxOrder = 8

// parseOrder reads "create_time desc, name".
func parseOrder(text string, d protoreflect.MessageDescriptor) (order, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var by ordering.OrderBy
	if err := by.UnmarshalString(text); err != nil {
		return nil, autoscaling.FieldErrorf("order_by", "%s", err)
	}
	if len(by.Fields) > maxOrder {
		return nil, autoscaling.FieldErrorf("order_by", "at most %d fields", maxOrder)
	}
	var o order
	for _, f := range by.Fields {
		p, err := findField(d, f.SubFields())
		if err != nil {
			return nil, autoscaling.FieldErrorf("order_by", "%s", err)
		}
		if !isScalar(p) {
			return nil, autoscaling.FieldErrorf("order_by", "%q cannot be sorted by", f.Path)
		}
		o = append(o, orderBy{p, f.Desc})
	}
	return o, nil
}

// values are what a message is sorted by.
func (o order) values(m protoreflect.Message) []scalar {
	values := make([]scalar, len(o))
	for i, by := range o {
		values[i] = scalarIn(by.path, m)
	}
	return values
}

// compare says how two messages stand to each other, by their values.
func (o order) compare(a, b []scalar) int {
	for i, by := range o {
		if c := a[i].compare(b[i]); c != 0 {
			if by.desc {
				return -c
			}
			return c
		}
	}
	return 0
}
