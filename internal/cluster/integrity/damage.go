package integrity

import (
	"errors"
	"fmt"
)

// Damage is an error about data that is not what was written.
type Damage struct{ Text string }

func (d *Damage) Error() string { return d.Text }

// Damaged returns a Damage with the text.
func Damaged(format string, args ...any) error { return &Damage{fmt.Sprintf(format, args...)} }

// IsDamage reports whether the error is about damaged data.
func IsDamage(err error) bool {
	var d *Damage
	return errors.As(err, &d)
}
