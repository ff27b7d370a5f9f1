package control

import (
	"github.com/asctl/as/internal/fsm"
)

// DeleteConfigurationRequest asks to delete a configuration with its versions.
type DeleteConfigurationRequest struct {
	Caller
	Name ConfigurationName
	Etag string
}

// DeleteConfiguration is refused with IN_USE while a group names it.
func (o Operations) DeleteConfiguration(tx *fsm.Tx, req DeleteConfigurationRequest) error {
	panic("control: being written")
}
