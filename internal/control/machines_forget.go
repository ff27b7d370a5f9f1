package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ForgetMachinesRequest says that the machines of a compute provider are lost.
type ForgetMachinesRequest struct {
	Caller
	Provider string
}

// Forgotten is what ForgetMachines found.
type Forgotten struct {
	Instances  int  // not final, with a machine at the provider
	Configured bool // the provider
}

// ForgetMachines gives up the store that a provider's machines were recorded in.
// The provider's next listing decides: what it has is kept, whatever else was
// recorded is lost and replaced. A caller who is wrong about the loss therefore
// loses nothing. A provider that is not configured any more lists nothing: its
// machines are lost at once.
func (o Operations) ForgetMachines(tx *fsm.Tx, req ForgetMachinesRequest) (Forgotten, error) {
	var there []*autoscaling.Instance
	for g := range tx.Groups("") {
		for i := range tx.Instances(g.UID) {
			if i.Provider == req.Provider && i.MachineID != "" && !i.State.Final() {
				there = append(there, i)
			}
		}
	}
	f := Forgotten{Instances: len(there), Configured: o.Platform.HasCompute(req.Provider)}
	if !f.Configured && len(there) == 0 {
		return f, notFound("providers/" + req.Provider)
	}
	tx.PutProviderStore(&autoscaling.ProviderStore{Provider: req.Provider, Time: tx.Now()})
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventMachinesForgotten, Subject: req.Provider,
		Message: fmt.Sprintf("%s said that the machines of provider %s are lost; %d instances have one there", req.name(), req.Provider, f.Instances),
	})
	if f.Configured {
		return f, nil
	}
	for _, i := range there {
		if err := o.ReportMachineGone(tx, MachineGone{Group: i.Group, Instance: i.ID, Lost: true}); err != nil {
			return f, err
		}
	}
	return f, nil
}
