package rpc

import (
	"encoding/json"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// configurationMessage shows one version of a configuration.
func configurationMessage(r fsm.Reader, c *autoscaling.Configuration, v *autoscaling.ConfigurationVersion) *pb.Configuration {
	m := &pb.Configuration{
		Name:           autoscaling.ConfigurationResource(c.Namespace, c.ID),
		Ari:            autoscaling.ConfigurationARI(clusterName(r), c.Namespace, c.ID),
		Uid:            string(c.UID),
		ExternalNames:  c.ExternalNames,
		CreateTime:     timestamp(c.CreateTime),
		UpdateTime:     timestamp(c.UpdateTime),
		Etag:           c.Etag(),
		DefaultVersion: c.Default,
	}
	if v == nil { // never: a configuration has its latest version
		return m
	}
	m.Version, m.Digest = v.Version, v.Digest
	showTemplate(&v.Template, m)
	m.Labels = c.Labels
	if v.Version != c.Latest { // as it was made
		m.Labels = v.Template.Labels
		m.UpdateTime = timestamp(v.CreateTime)
	}
	return m
}

func showTemplate(t *autoscaling.Template, m *pb.Configuration) {
	m.Provider = t.Provider
	m.InstanceTypes = convertAll(t.InstanceTypes, func(i autoscaling.InstanceType) *pb.InstanceType {
		weight := max(i.Weight, 1)
		return &pb.InstanceType{Type: i.Type, Weight: &weight}
	})
	m.Image, m.Command, m.Args, m.Env = t.Image, t.Command, t.Args, t.Env
	m.CpuMillis, m.MemoryMib, m.BandwidthMbps = t.CPUMillis, t.MemoryMiB, t.BandwidthMbps
	m.Disks = convertAll(t.Disks, func(d autoscaling.Disk) *pb.Disk { return &pb.Disk{SizeGib: d.SizeGiB, Type: d.Type} })
	m.Ports, m.UserData = t.Ports, t.UserData
	m.StopTimeout = duration(t.StopTimeout)
	if len(t.ProviderConfig) > 0 {
		var object map[string]any
		if json.Unmarshal(t.ProviderConfig, &object) == nil {
			m.ProviderConfig, _ = structpb.NewStruct(object) // JSON always fits
		}
	}
}

// template reads what machines are made from.
func template(m *pb.Configuration) (autoscaling.Template, error) {
	t := autoscaling.Template{
		Provider: m.GetProvider(),
		InstanceTypes: convertAll(m.GetInstanceTypes(), func(i *pb.InstanceType) autoscaling.InstanceType {
			return autoscaling.InstanceType{Type: i.GetType(), Weight: valueOr(i.Weight, 1)}
		}),
		Image:         m.GetImage(),
		Command:       m.GetCommand(),
		Args:          m.GetArgs(),
		Env:           m.GetEnv(),
		CPUMillis:     m.GetCpuMillis(),
		MemoryMiB:     m.GetMemoryMib(),
		BandwidthMbps: m.GetBandwidthMbps(),
		Disks: convertAll(m.GetDisks(), func(d *pb.Disk) autoscaling.Disk {
			return autoscaling.Disk{SizeGiB: d.GetSizeGib(), Type: d.GetType()}
		}),
		Ports:       m.GetPorts(),
		UserData:    m.GetUserData(),
		Labels:      m.GetLabels(),
		StopTimeout: durationOr(m.GetStopTimeout(), autoscaling.DefaultStopTimeout),
	}
	if len(m.GetProviderConfig().GetFields()) > 0 {
		content, err := json.Marshal(m.GetProviderConfig().AsMap()) // keys are sorted: canonical
		if err != nil {
			return t, autoscaling.FieldErrorf("provider_config", "%s", err)
		}
		t.ProviderConfig = content
	}
	return t, nil
}
