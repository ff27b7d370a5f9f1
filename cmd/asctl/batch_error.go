package main

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// batchError is the refusal of a request for several items: what the API says of
// field[3] is told of the item that was typed.
type batchError struct {
	error
	field string
	items []string
}

func (e *batchError) Unwrap() error { return e.error }

// ofItems makes an error of a request for items one that names them.
func ofItems(err error, field string, items []string) error {
	if err == nil {
		return nil
	}
	return &batchError{error: err, field: field, items: items}
}

// name is the item that the violation is about, or the field itself.
func (e *batchError) name(v *errdetails.BadRequest_FieldViolation) string {
	if e != nil {
		for i, item := range e.items {
			if v.Field == fmt.Sprintf("%s[%d]", e.field, i) {
				return item
			}
		}
	}
	return v.Field
}
