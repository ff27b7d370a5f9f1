package control

import (
	"fmt"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// AttachInstancesRequest asks to make machines that exist at the provider of the
// group's configuration (ProviderOf) instances of the group.
type AttachInstancesRequest struct {
	Caller
	Group      GroupName
	MachineIDs []string // the platform's names, 1 to MaxBatch
	// Entrusted machines may be terminated like our own; others are only let go.
	Entrusted bool
	RunHooks  bool // launch hooks hold them too
}

// AttachInstances opens an ATTACH activity and raises desired by the number of
// machines. The provider has the last word: a machine that another group or
// cluster marked meanwhile fails then.
func (o Operations) AttachInstances(tx *fsm.Tx, req AttachInstancesRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Group)
	if err != nil {
		return nil, err
	}
	if err := checkNumber("machine_ids", "machine", len(req.MachineIDs), MaxBatch); err != nil {
		return nil, err
	}
	a := manual(req.Caller, "attached "+machinesOf(req.MachineIDs)+" to group "+g.ID)
	a.kind = autoscaling.Attach
	a.whileBusy, a.inCooldown = true, true
	a.cooldown = g.DefaultCooldown
	to := g.Desired + int32(len(req.MachineIDs))
	r := firstRefusal(
		func() *refusal { return admit(tx, g, &a) },
		func() *refusal { return unless(g, autoscaling.ProcessLaunch) },
		func() *refusal { return refuseWithoutProvider(tx.Reader, g) },
	)
	var machines []MachineStatus
	if r == nil {
		machines, r = o.attachable(tx, g, req.MachineIDs)
	}
	if r != nil && r.reason == autoscaling.NotFound { // as with any name: an error, not an outcome
		return nil, r.err(tx, g)
	}
	if r == nil {
		r = firstRefusal(
			func() *refusal { return inBounds(g, to) },
			func() *refusal { return o.refuseUnusable(tx, g) },
			func() *refusal { return refuseBeyondBound(tx, g, to) },
		)
	}
	if r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	activity := o.openMove(tx, *g, to, &a)
	o.attachThese(tx, tx.Group(g.UID), activity, machines, req)
	putActivity(tx, activity)
	return tx.Activity(activity.ID), nil
}

// machinesOf are the machines in words.
func machinesOf(ids []string) string {
	if len(ids) == 1 {
		return "machine " + ids[0]
	}
	return fmt.Sprintf("%d machines", len(ids))
}

func refuseWithoutProvider(r fsm.Reader, g *autoscaling.Group) *refusal {
	if ProviderOf(r, g) != "" {
		return nil
	}
	return refusef(autoscaling.DependencyMissing, "group %s has no configuration, which says at which provider the machines are", g.ID)
}

// attachable are the machines, or why not each of them can be attached.
func (o Operations) attachable(tx *fsm.Tx, g *autoscaling.Group, ids []string) ([]MachineStatus, *refusal) {
	b := batch{field: "machine_ids"}
	provider := ProviderOf(tx.Reader, g)
	taken := beingAttached(tx.Reader, provider)
	machines := make([]MachineStatus, len(ids))
	for n, id := range ids {
		m := o.Platform.Machine(provider, id)
		if m.ID == "" {
			m.ID = id
		}
		if reason, why := refuseMachine(tx, g, m, taken); reason != "" {
			b.refuse(n, reason, "%s", why)
		}
		taken[m.ID] = "named twice in this request"
		machines[n] = m
	}
	return machines, b.refusal()
}

// refuseMachine is why the machine cannot be attached; an empty reason: it can.
func refuseMachine(tx *fsm.Tx, g *autoscaling.Group, m MachineStatus, taken map[string]string) (autoscaling.Reason, string) {
	foreign := m.Cluster != "" && m.Cluster != string(tx.Cluster().ID)
	switch {
	case m.Reason != "":
		return m.Reason, m.Problem
	case foreign:
		return autoscaling.PermissionDenied, fmt.Sprintf("machine %s belongs to another cluster", m.ID)
	case m.Instance != "":
		return autoscaling.InUse, fmt.Sprintf("machine %s is instance %s", m.ID, instanceInWords(tx.Reader, m.Instance))
	case taken[m.ID] != "":
		return autoscaling.InUse, fmt.Sprintf("machine %s is %s", m.ID, taken[m.ID])
	case !m.Running:
		return autoscaling.WrongState, fmt.Sprintf("machine %s does not run", m.ID)
	case isElsewhere(g, m):
		return autoscaling.WrongState, fmt.Sprintf("machine %s is in zone %s, which group %s does not have", m.ID, m.Zone, g.ID)
	}
	return "", ""
}

// instanceInWords says where an instance is.
func instanceInWords(r fsm.Reader, id autoscaling.InstanceID) string {
	i := r.FindInstance(id)
	if i == nil {
		return string(id)
	}
	g := r.Group(i.Group)
	if g == nil {
		return string(id)
	}
	if i.State.Final() {
		return fmt.Sprintf("%s of group %s, which has ended; it is let go shortly", id, g.ID)
	}
	return fmt.Sprintf("%s of group %s", id, g.ID)
}

// beingAttached are the machines that are to be attached and do not bear our mark
// yet, by the platform's name, with whose they are.
func beingAttached(r fsm.Reader, provider string) map[string]string {
	taken := map[string]string{}
	for g := range r.LiveGroups() {
		if !attaching(r, g) {
			continue
		}
		for i := range r.Instances(g.UID) {
			if i.Origin == autoscaling.OriginAttached && !i.Adopted && i.Provider == provider {
				taken[i.MachineID] = fmt.Sprintf("being attached to group %s as instance %s", g.ID, i.ID)
			}
		}
	}
	return taken
}

func attaching(r fsm.Reader, g *autoscaling.Group) bool {
	for a := range r.RunningActivities(g.UID) {
		if a.Kind == autoscaling.Attach {
			return true
		}
	}
	return false
}

// refuseBeyondBound refuses what the runaway bound has no room for: machines that
// fail, or of which nobody knows, use it until they are confirmed gone.
func refuseBeyondBound(tx *fsm.Tx, g *autoscaling.Group, to int32) *refusal {
	var u autoscaling.Usage
	for i := range tx.Instances(g.UID) {
		u.Add(i)
	}
	raised := g.GroupSpec
	raised.Desired = to
	if room, _ := u.Room(&raised); room < to-g.Desired {
		return refusef(autoscaling.OutOfRange, "there is room for %d more instances in group %s until machines that leave, or of which nobody knows, are gone", room, g.ID)
	}
	return nil
}

// attachThese records the instances, counted in a. g is as it was put.
func (o Operations) attachThese(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, machines []MachineStatus, req AttachInstancesRequest) {
	v, _ := resolve(tx.Reader, g)
	l := launcher{tx: tx, group: g, by: a, version: v, crowd: crowdOf(tx.Reader, g)}
	l.attach()
	for _, m := range machines {
		i := autoscaling.Instance{
			ID: tx.NewInstanceID(), Group: g.UID, Zone: zoneOf(g, m, l.crowd), Provider: v.Template.Provider, Weight: 1,
			Activity: a.ID, Protected: g.NewInstancesProtected, Origin: autoscaling.OriginAttached, Entrusted: req.Entrusted, RunHooks: req.RunHooks,
			MachineID: m.ID, MachineCreateTime: m.CreateTime,
			Balancers: l.balancers, AccessLists: l.accessLists,
			CreateTime: tx.Now(), StopTimeout: v.Template.StopTimeout,
		}
		l.crowd[i.Zone] += i.Capacity()
		a.Launches++
		walk(tx, g, &i, autoscaling.Initial, a.Cause[:strings.IndexByte(a.Cause+":", ':')])
	}
}

func crowdOf(r fsm.Reader, g *autoscaling.Group) autoscaling.Crowd {
	crowd := autoscaling.Crowd{}
	for i := range r.Instances(g.UID) {
		if i.State.Counted() {
			crowd[i.Zone] += i.Capacity()
		}
	}
	return crowd
}

// isElsewhere says whether the machine is in a zone that the group does not have:
// rebalancing would replace it as soon as it serves. A group that names no zones
// takes machines from everywhere.
func isElsewhere(g *autoscaling.Group, m MachineStatus) bool {
	return m.Zone != "" && m.Zone != autoscaling.DefaultZone && !g.HasZone(m.Zone) && !g.HasZone(autoscaling.DefaultZone)
}

// zoneOf is where the machine is; one of which nobody says that counts for the
// zone that a launch would take.
func zoneOf(g *autoscaling.Group, m MachineStatus, crowd autoscaling.Crowd) string {
	if g.HasZone(m.Zone) {
		return m.Zone
	}
	var zones []string
	for _, z := range g.Zones {
		zones = append(zones, z.Name)
	}
	return autoscaling.PickZone(g.ZonePolicy, zones, crowd)
}
