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
	c := autoscaling.Configuration{Meta: newMeta(tx, req.Namespace, req.NewMeta), Latest: 1, Default: 1}
	if err := autoscaling.ValidateMeta("configuration_id", &c.Meta); err != nil {
		return nil, nil, err
	}
	if tx.ConfigurationByID(c.Namespace, c.ID) != nil {
		return nil, nil, alreadyExists(autoscaling.ConfigurationResource(c.Namespace, c.ID))
	}
	if err := o.checkTemplate(&req.Template); err != nil {
		return nil, nil, err
	}
	if err := checkLimit("configurations", tx.Configurations(c.Namespace), MaxConfigurations); err != nil {
		return nil, nil, err
	}
	if err := checkConfigurationNames(tx, &c); err != nil {
		return nil, nil, err
	}
	c.UID = tx.NewUID()
	v := newVersion(tx, c.UID, 1, req.Template)
	tx.PutConfiguration(&c)
	tx.PutConfigurationVersion(v)
	tx.Emit(configurationEvent(&c, autoscaling.EventConfigurationCreated, "version 1"))
	return &c, v, nil
}

// checkTemplate checks what all providers have in common, then asks the one.
func (o Operations) checkTemplate(t *autoscaling.Template) error {
	if err := autoscaling.ValidateTemplate(t); err != nil {
		return err
	}
	if err := o.Platform.ValidateTemplate(t); err != nil {
		return &autoscaling.Error{Reason: autoscaling.InvalidArgument, Field: "provider", Message: err.Error()}
	}
	return nil
}

func checkConfigurationNames(tx *fsm.Tx, c *autoscaling.Configuration) error {
	return checkExternalNames(&c.Meta, metas(func(c *autoscaling.Configuration) *autoscaling.Meta { return &c.Meta }, tx.Configurations(c.Namespace)))
}

func newVersion(tx *fsm.Tx, uid autoscaling.UID, version int32, t autoscaling.Template) *autoscaling.ConfigurationVersion {
	return &autoscaling.ConfigurationVersion{
		Configuration: uid, Version: version, Digest: autoscaling.DigestTemplate(&t), CreateTime: tx.Now(), Template: t,
	}
}

func configurationEvent(c *autoscaling.Configuration, t autoscaling.EventType, message string) autoscaling.Event {
	return autoscaling.Event{Type: t, Namespace: c.Namespace, Subject: c.ID, Message: message}
}
