package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// UpdateConfigurationRequest asks for a new version of a configuration.
type UpdateConfigurationRequest struct {
	Caller
	Name ConfigurationName
	Etag string // "": whatever it is
	// Change edits copies of what the newest version says, and of labels and external names.
	Change func(*autoscaling.Meta, *autoscaling.Template) error
}

// UpdateConfiguration makes a new version when the template changed; a change of
// labels alone keeps the version.
func (o Operations) UpdateConfiguration(tx *fsm.Tx, req UpdateConfigurationRequest) (*autoscaling.Configuration, *autoscaling.ConfigurationVersion, error) {
	panic("control: being written")
}
