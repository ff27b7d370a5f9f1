package plan

import (
	"fmt"
	"maps"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Spec is everything that the provider needs to make the instance's machine.
func Spec(r fsm.Reader, i *autoscaling.Instance) (providers.MachineSpec, error) {
	g := r.Group(i.Group)
	v := r.ConfigurationVersion(i.Configuration, i.Version)
	if g == nil || v == nil {
		return providers.MachineSpec{}, fmt.Errorf("version %d of the configuration of %s does not exist", i.Version, i.ID)
	}
	s := TemplateSpec(&v.Template)
	s.Instance = string(i.ID)
	s.Group = "namespaces/" + g.Namespace + "/groups/" + g.ID
	s.Zone, s.InstanceType = i.Zone, i.InstanceType
	s.StopTimeout = i.StopTimeout
	if len(g.PropagatedLabels) > 0 {
		labels := maps.Clone(s.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		for _, key := range g.PropagatedLabels {
			if value, ok := g.Labels[key]; ok {
				labels[key] = value
			}
		}
		s.Labels = labels
	}
	return s, nil
}

// AdoptSpec is everything that the provider needs to take over the instance's
// machine.
func AdoptSpec(r fsm.Reader, i *autoscaling.Instance) providers.AdoptSpec {
	s := providers.AdoptSpec{Instance: string(i.ID), MachineID: i.MachineID, StopTimeout: i.StopTimeout}
	if g := r.Group(i.Group); g != nil {
		s.Group = autoscaling.GroupResource(g.Namespace, g.ID)
	}
	if i.MachineCreateTime != 0 {
		s.CreateTime = i.MachineCreateTime.Std()
	}
	return s
}

// TemplateSpec is a template in the words of the providers, without an instance:
// what a provider's ValidateSpec looks at.
func TemplateSpec(t *autoscaling.Template) providers.MachineSpec {
	s := providers.MachineSpec{
		Image: t.Image, Command: t.Command, Args: t.Args, Env: t.Env,
		CPUMillis: t.CPUMillis, MemoryMiB: t.MemoryMiB, BandwidthMbps: t.BandwidthMbps,
		Ports: t.Ports, UserData: t.UserData, Labels: t.Labels, StopTimeout: t.StopTimeout, Config: t.ProviderConfig,
	}
	if len(t.InstanceTypes) > 0 {
		s.InstanceType = t.InstanceTypes[0].Type
	}
	for _, d := range t.Disks {
		s.Disks = append(s.Disks, providers.Disk{SizeGiB: d.SizeGiB, Type: d.Type})
	}
	return s
}
