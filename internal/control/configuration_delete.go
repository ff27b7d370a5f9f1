package control

import (
	"github.com/asctl/as/internal/autoscaling"
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
	c, err := FindConfiguration(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	resource := autoscaling.ConfigurationResource(c.Namespace, c.ID)
	if err := checkEtag(resource, req.Etag, &c.Meta); err != nil {
		return err
	}
	for g := range tx.GroupsUsing(c.UID) {
		if g.State == autoscaling.GroupDeleted {
			continue
		}
		err := autoscaling.Errorf(autoscaling.InUse, "group %s launches from configuration %s", g.ID, c.ID)
		err.Resource = resource
		return err
	}
	tx.DeleteConfiguration(c.UID)
	tx.Emit(configurationEvent(c, autoscaling.EventConfigurationDeleted, ""))
	return nil
}
