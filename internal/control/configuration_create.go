package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateConfigurationRequest asks for a new configuration, as version 1.
type CreateConfigurationRequest struct {
	Caller
	Namespace string
	NewMeta
	Template autoscaling.Template
}

// CreateConfiguration makes a configuration and its first version.
func (o Operations) CreateConfiguration(tx *fsm.Tx, req CreateConfigurationRequest) (*autoscaling.Configuration, *autoscaling.ConfigurationVersion, error) {
	panic("control: being written")
}
