package rpc

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// The words that stand for a configuration's version.
const (
	versionLatest  = "LATEST"
	versionDefault = "DEFAULT"
)

// groupMessage shows a group as the reader has it. now tells a cooldown that runs
// from one that is over.
func groupMessage(r fsm.Reader, now autoscaling.Time, g *autoscaling.Group) *pb.Group {
	m := groupSpecMessage(&g.Meta, &g.GroupSpec)
	m.Name = autoscaling.GroupResource(g.Namespace, g.ID)
	m.Ari = autoscaling.GroupARI(clusterName(r), g.Namespace, g.ID)
	m.Uid = string(g.UID)
	m.CreateTime, m.UpdateTime = timestamp(g.CreateTime), timestamp(g.UpdateTime)
	m.Etag = g.Etag()
	m.State = enum[pb.Group_State](pb.Group_State_value, string(g.State))
	m.Conditions = convertAll(g.Conditions, conditionMessage)
	m.Counts = countsMessage(r.Counts(g.UID))
	if g.CooldownUntil > now {
		m.CooldownUntil = timestamp(g.CooldownUntil)
	}
	m.Generation = int32(min(g.Generation, math.MaxInt32))
	return m
}

// groupSpecMessage shows what people say of a group.
func groupSpecMessage(meta *autoscaling.Meta, g *autoscaling.GroupSpec) *pb.Group {
	// A message's pointers must not lead into the record.
	low, high, desired, limit := g.Min, g.Max, g.Desired, g.LaunchFailureLimit
	healthyLow, healthyHigh := g.Maintenance.Percents()
	m := &pb.Group{
		Labels:                 meta.Labels,
		ExternalNames:          meta.ExternalNames,
		MinSize:                &low,
		MaxSize:                &high,
		DesiredCapacity:        &desired,
		DesiredMode:            enum[pb.Group_DesiredMode](pb.Group_DesiredMode_value, string(g.DesiredMode)),
		Configuration:          configurationReference(g.Configuration),
		ZonePolicy:             enum[pb.Group_ZonePolicy](pb.Group_ZonePolicy_value, string(g.ZonePolicy)),
		ZoneRebalance:          pb.Group_OFF,
		DefaultCooldown:        duration(g.DefaultCooldown),
		CooldownScope:          enum[pb.Group_CooldownScope](pb.Group_CooldownScope_value, string(g.CooldownScope)),
		HealthCheck:            healthCheckMessage(&g.HealthCheck),
		AttachedLast:           g.AttachedLast,
		NewInstancesProtected:  g.NewInstancesProtected,
		KeepProtectedUnhealthy: g.KeepProtectedUnhealthy,
		LaunchTimeout:          duration(g.LaunchTimeout),
		LaunchFailureLimit:     &limit,
		DeletionProtection:     enum[pb.Group_DeletionProtection_Level](pb.Group_DeletionProtection_Level_value, string(g.DeletionProtection)),
		PropagatedLabels:       g.PropagatedLabels,
		Maintenance:            &pb.Group_Maintenance{MinHealthyPercent: &healthyLow, MaxHealthyPercent: &healthyHigh},
	}
	if g.MaxInstanceLifetime > 0 {
		m.MaxInstanceLifetime = duration(g.MaxInstanceLifetime)
	}
	if g.ZoneRebalance {
		m.ZoneRebalance = pb.Group_ON
	}
	if g.DefaultWarmup > 0 {
		m.DefaultWarmup = duration(g.DefaultWarmup)
	}
	m.Zones = convertAll(g.Zones, func(z autoscaling.Zone) *pb.Group_Zone {
		return &pb.Group_Zone{Zone: z.Name, Network: z.Network}
	})
	m.TerminationPolicies = convertAll(g.TerminationPolicies, func(p autoscaling.TerminationRule) pb.Group_TerminationPolicy {
		return enum[pb.Group_TerminationPolicy](pb.Group_TerminationPolicy_value, string(p))
	})
	m.Balancers = convertAll(g.Balancers, func(b autoscaling.BalancerRef) *pb.Group_Balancer {
		weight := b.Weight
		return &pb.Group_Balancer{Provider: b.Provider, Pool: b.Pool, Port: b.Port, Weight: &weight, DrainTimeout: duration(b.DrainTimeout)}
	})
	m.AccessLists = convertAll(g.AccessLists, func(l autoscaling.AccessListRef) *pb.Group_AccessList {
		return &pb.Group_AccessList{Provider: l.Provider, List: l.List}
	})
	m.SuspendedProcesses = convertAll(g.Suspended, func(p autoscaling.Process) pb.Group_Process {
		return enum[pb.Group_Process](pb.Group_Process_value, string(p))
	})
	return m
}

func configurationReference(c autoscaling.ConfigurationRef) *pb.Group_ConfigurationReference {
	if c.ID == "" {
		return nil
	}
	m := &pb.Group_ConfigurationReference{Name: c.ID}
	switch {
	case c.UseDefault:
		m.Version = structpb.NewStringValue(versionDefault)
	case c.Version > 0:
		m.Version = structpb.NewNumberValue(float64(c.Version))
	default:
		m.Version = structpb.NewStringValue(versionLatest)
	}
	return m
}

func healthCheckMessage(h *autoscaling.HealthCheck) *pb.HealthCheck {
	storm := h.StormThreshold
	m := &pb.HealthCheck{GracePeriod: duration(h.GracePeriod), StormThreshold: &storm}
	m.Types = convertAll(h.Types, func(t autoscaling.HealthType) pb.HealthCheck_Type {
		return enum[pb.HealthCheck_Type](pb.HealthCheck_Type_value, string(t))
	})
	if p := h.Probe; p != nil {
		unhealthy, healthy := p.UnhealthyThreshold, p.HealthyThreshold
		m.Probe = &pb.HealthCheck_Probe{
			Port: p.Port, Interval: duration(p.Interval), Timeout: duration(p.Timeout),
			UnhealthyThreshold: &unhealthy, HealthyThreshold: &healthy,
		}
		if p.HTTPPath != "" {
			m.Probe.Check = &pb.HealthCheck_Probe_Http{Http: p.HTTPPath}
		} else {
			m.Probe.Check = &pb.HealthCheck_Probe_Tcp{Tcp: true}
		}
	}
	return m
}

func conditionMessage(c autoscaling.Condition) *pb.Condition {
	return &pb.Condition{Type: string(c.Type), Status: pb.Condition_TRUE, Reason: c.Reason, Message: c.Message, Time: timestamp(c.Time)}
}

func countsMessage(c fsm.Counts) *pb.Group_Counts {
	sum := func(states ...autoscaling.InstanceState) *int32 {
		var n int32
		for _, s := range states {
			n += c.ByState[s]
		}
		return &n
	}
	unhealthy, counted, total := c.Unhealthy, c.Capacity, c.Live
	return &pb.Group_Counts{
		Initial:     sum(autoscaling.Initial),
		Pending:     sum(autoscaling.Pending, autoscaling.PendingProceed),
		Waiting:     sum(autoscaling.PendingWait, autoscaling.TerminatingWait),
		InService:   sum(autoscaling.InService),
		Standby:     sum(autoscaling.Standby, autoscaling.EnteringStandby),
		Terminating: sum(autoscaling.Terminating, autoscaling.TerminatingProceed, autoscaling.Detaching),
		Unhealthy:   &unhealthy,
		Counted:     &counted,
		Total:       &total,
	}
}

// groupSpec reads what people say of a group of the namespace; what they do not
// say is the default.
func groupSpec(m *pb.Group, namespace string) (autoscaling.GroupSpec, error) {
	g := autoscaling.DefaultGroupSpec()
	g.Min, g.Max, g.Desired = m.GetMinSize(), m.GetMaxSize(), m.GetDesiredCapacity()
	g.DesiredMode = orDefault(name[pb.Group_DesiredMode, autoscaling.DesiredMode](m.GetDesiredMode()), g.DesiredMode)
	g.ZonePolicy = orDefault(name[pb.Group_ZonePolicy, autoscaling.ZonePolicy](m.GetZonePolicy()), g.ZonePolicy)
	g.ZoneRebalance = m.GetZoneRebalance() == pb.Group_ON
	g.DefaultCooldown = durationOr(m.GetDefaultCooldown(), g.DefaultCooldown)
	g.CooldownScope = orDefault(name[pb.Group_CooldownScope, autoscaling.CooldownScope](m.GetCooldownScope()), g.CooldownScope)
	g.DefaultWarmup = durationOr(m.GetDefaultWarmup(), g.DefaultWarmup)
	g.AttachedLast = m.GetAttachedLast()
	g.NewInstancesProtected = m.GetNewInstancesProtected()
	g.KeepProtectedUnhealthy = m.GetKeepProtectedUnhealthy()
	g.LaunchTimeout = durationOr(m.GetLaunchTimeout(), g.LaunchTimeout)
	g.LaunchFailureLimit = valueOr(m.LaunchFailureLimit, g.LaunchFailureLimit)
	g.DeletionProtection = orDefault(name[pb.Group_DeletionProtection_Level, autoscaling.Protection](m.GetDeletionProtection()), g.DeletionProtection)
	g.PropagatedLabels = m.GetPropagatedLabels()
	g.MaxInstanceLifetime = m.GetMaxInstanceLifetime().AsDuration()
	if given := m.GetMaintenance(); given != nil {
		g.Maintenance.MinHealthyPercent = valueOr(given.MinHealthyPercent, g.Maintenance.MinHealthyPercent)
		g.Maintenance.MaxHealthyPercent = valueOr(given.MaxHealthyPercent, g.Maintenance.MaxHealthyPercent)
	}
	if len(m.GetZones()) > 0 {
		g.Zones = convertAll(m.GetZones(), func(z *pb.Group_Zone) autoscaling.Zone {
			return autoscaling.Zone{Name: z.GetZone(), Network: z.GetNetwork()}
		})
	}
	g.TerminationPolicies = convertAll(m.GetTerminationPolicies(), name[pb.Group_TerminationPolicy, autoscaling.TerminationRule])
	g.Balancers = convertAll(m.GetBalancers(), func(b *pb.Group_Balancer) autoscaling.BalancerRef {
		return autoscaling.BalancerRef{
			Provider: b.GetProvider(), Pool: b.GetPool(), Port: b.GetPort(),
			Weight:       valueOr(b.Weight, autoscaling.DefaultBalancerWeight),
			DrainTimeout: durationOr(b.GetDrainTimeout(), autoscaling.DefaultDrainTimeout),
		}
	})
	g.AccessLists = convertAll(m.GetAccessLists(), func(l *pb.Group_AccessList) autoscaling.AccessListRef {
		return autoscaling.AccessListRef{Provider: l.GetProvider(), List: l.GetList()}
	})
	g.Suspended = convertAll(m.GetSuspendedProcesses(), name[pb.Group_Process, autoscaling.Process])
	readHealthCheck(m.GetHealthCheck(), &g.HealthCheck)
	var err error
	g.Configuration, err = readConfigurationReference(m.GetConfiguration(), namespace)
	return g, err
}

func readHealthCheck(m *pb.HealthCheck, h *autoscaling.HealthCheck) {
	if len(m.GetTypes()) > 0 {
		h.Types = convertAll(m.GetTypes(), name[pb.HealthCheck_Type, autoscaling.HealthType])
	}
	h.GracePeriod = durationOr(m.GetGracePeriod(), h.GracePeriod)
	if m != nil {
		h.StormThreshold = valueOr(m.StormThreshold, h.StormThreshold)
	}
	if p := m.GetProbe(); p != nil {
		h.Probe = &autoscaling.Probe{
			HTTPPath:           p.GetHttp(),
			Port:               p.GetPort(),
			Interval:           durationOr(p.GetInterval(), autoscaling.DefaultProbeInterval),
			Timeout:            durationOr(p.GetTimeout(), autoscaling.DefaultProbeTimeout),
			UnhealthyThreshold: valueOr(p.UnhealthyThreshold, autoscaling.DefaultUnhealthyThreshold),
			HealthyThreshold:   valueOr(p.HealthyThreshold, autoscaling.DefaultHealthyThreshold),
		}
	}
}

func readConfigurationReference(m *pb.Group_ConfigurationReference, namespace string) (autoscaling.ConfigurationRef, error) {
	id, err := localID("configuration.name", m.GetName(), autoscaling.ConfigurationResource(namespace, ""))
	c := autoscaling.ConfigurationRef{ID: id}
	if err != nil {
		return c, err
	}
	switch v := m.GetVersion().GetKind().(type) {
	case *structpb.Value_NumberValue:
		c.Version = int32(v.NumberValue) // the .proto file's rule: a whole number that fits
	case *structpb.Value_StringValue:
		switch v.StringValue {
		case versionLatest:
		case versionDefault:
			c.UseDefault = true
		default:
			n, err := strconv.ParseInt(v.StringValue, 10, 32)
			if err != nil {
				return c, autoscaling.FieldErrorf("configuration.version", "%q is not a version", v.StringValue)
			}
			c.Version = int32(n)
		}
	}
	return c, nil
}
