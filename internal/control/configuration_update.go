package control

import (
	"fmt"
	"maps"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// UpdateConfigurationRequest asks for a new version of a configuration.
type UpdateConfigurationRequest struct {
	Caller
	Name ConfigurationName
	Etag string // "": whatever it is
	// Change edits copies of what the newest version says, and of labels and
	// external names; slices and maps are replaced, not changed in place.
	Change func(*autoscaling.Meta, *autoscaling.Template) error
}

// UpdateConfiguration makes a new version when the template changed; a change of
// labels alone keeps the version, and no change writes nothing.
func (o Operations) UpdateConfiguration(tx *fsm.Tx, req UpdateConfigurationRequest) (*autoscaling.Configuration, *autoscaling.ConfigurationVersion, error) {
	was, err := FindConfiguration(tx.Reader, req.Name)
	if err != nil {
		return nil, nil, err
	}
	if err := checkEtag(autoscaling.ConfigurationResource(was.Namespace, was.ID), req.Etag, &was.Meta); err != nil {
		return nil, nil, err
	}
	v := tx.ConfigurationVersion(was.UID, was.Latest)
	c, template := *was, v.Template
	if err := req.Change(&c.Meta, &template); err != nil {
		return nil, nil, err
	}
	c.Meta = fixedMeta(was.Meta, c.Meta)
	if err := autoscaling.ValidateMeta("configuration_id", &c.Meta); err != nil {
		return nil, nil, err
	}
	if err := checkConfigurationNames(tx, &c); err != nil {
		return nil, nil, err
	}
	message := fmt.Sprintf("version %d", c.Latest)
	if autoscaling.DigestTemplate(&template) != v.Digest {
		if err := o.checkTemplate(&template); err != nil {
			return nil, nil, err
		}
		if c.Latest >= MaxVersions {
			return nil, nil, autoscaling.Errorf(autoscaling.LimitExceeded, "configuration %s has %d versions, as many as there may be", c.ID, MaxVersions)
		}
		c.Latest++
		v = newVersion(tx, c.UID, c.Latest, template)
		message = fmt.Sprintf("version %d after %d", c.Latest, was.Latest)
	} else if maps.Equal(c.Labels, was.Labels) && maps.Equal(c.ExternalNames, was.ExternalNames) {
		return was, v, nil
	}
	touch(tx, &c.Meta)
	tx.PutConfiguration(&c)
	if c.Latest != was.Latest {
		tx.PutConfigurationVersion(v)
		freshStarts(tx, c.UID)
	}
	tx.Emit(configurationEvent(&c, autoscaling.EventConfigurationUpdated, message))
	return &c, v, nil
}
