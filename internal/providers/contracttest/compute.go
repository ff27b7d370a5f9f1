package contracttest

import (
	"testing"

	"github.com/asctl/as/internal/providers"
)

// ComputeFixture is one fresh, empty place for machines and the means to look
// behind it. Machines need not survive the test: clean up with t.Cleanup.
type ComputeFixture struct {
	// Provider is the one under test.
	Provider providers.Compute
	// Spec is a specification whose machine keeps running until it is stopped.
	// Cluster and epoch come from the tests.
	Spec func(instance string) providers.MachineSpec
	// Invalid are specifications that ValidateSpec must refuse.
	Invalid []providers.MachineSpec
	// Crash makes a running machine end by itself, outside the provider's calls.
	// Nil: not possible here, the tests that need it are skipped.
	Crash func(t *testing.T, instance string)
	// Reopen is another node's provider on the same machines. Nil: the machines
	// are not shared between nodes, the tests that need it are skipped.
	Reopen func(t *testing.T) providers.Compute
	// Outside makes a machine that runs and is nobody's, and answers the platform's
	// id of it. Nil: the provider takes no machines over, or none can be made here;
	// the tests of providers.Adopter are skipped.
	Outside func(t *testing.T) (machineID string)
	// Runs says whether the machine of the platform's id runs, whoever's it is.
	Runs func(t *testing.T, machineID string) bool
	// AddressAtEnsure says that Ensure already answers the machine's address.
	AddressAtEnsure bool
}

// Compute runs the contract of providers.Compute; fresh makes an empty fixture
// for each test.
func Compute(t *testing.T, fresh func(t *testing.T) ComputeFixture) {
	for _, test := range computeTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, computeCase{ComputeFixture: fresh(t)}) })
	}
}

var computeTests = []struct {
	name string
	run  func(*testing.T, computeCase)
}{
	{"a valid specification is accepted, an invalid one refused with a message", specIsValidated},
	{"Ensure makes a machine and does not start it", ensureCreates},
	{"Ensure again answers the same machine", ensureIsIdempotent},
	{"Ensure of a started machine leaves it running", ensureLeavesRunning},
	{"Start runs the machine, again it answers the same one", startIsIdempotent},
	{"Start of a machine that was never made is NotFound", startOfMissing},
	{"a machine that ended is STOPPED and not started again", endedStaysStopped},
	{"a machine that crashed is STOPPED and not started again", crashedStaysStopped},
	{"Stop returns when the machine no longer runs", stopStops},
	{"Stop of a created, stopped, missing or removed machine succeeds", stopIsIdempotent},
	{"Remove takes the machine off the list", removeRemoves},
	{"Remove ends a running machine", removeEndsRunning},
	{"Remove of a missing machine succeeds", removeIsIdempotent},
	{"Remove of a machine never made still prevents it", removePreventsEnsure},
	{"Ensure and Start after Remove are StaleEpoch, whatever the epoch", removedStaysRemoved},

	{"a lower epoch is refused by every call and changes nothing", lowerEpochIsRefused},
	{"the epoch is kept by each call that was accepted", acceptedEpochIsKept},
	{"one machine's epoch says nothing about another's", epochsArePerMachine},
	{"the epoch outlives the machine", epochOutlivesRemove},
	{"another cluster sees and touches nothing of ours", clustersAreApart},

	{"an empty place lists nothing and names its store", emptyListing},
	{"List answers every machine as it is", listAnswersAll},
	{"every machine has addresses of its own", addressesAreDistinct},
	{"an ended context is an error", endedContext},

	{"another node sees the same store and machines", nodesShareMachines},
	{"another node finishes what one began", nodesFinishEachOther},
	{"many calls at once make one machine", concurrentEnsureStart},

	{"Inspect of an unknown machine is NotFound", inspectOfMissing},
	{"Inspect answers a machine that is nobody's", inspectOfOutside},
	{"Inspect answers whose a machine is", inspectOfOurs},
	{"Adopt puts our mark on a machine", adoptMarks},
	{"Adopt again answers the same machine", adoptIsIdempotent},
	{"Adopt of another instance's machine is Conflict", adoptOfTaken},
	{"Adopt for an instance with another machine is Conflict", adoptForHolder},
	{"Adopt of an unknown machine is NotFound", adoptOfMissing},
	{"Adopt of a machine of another time is NotFound", adoptOfSuccessor},
	{"Stop and Remove end an adopted machine", adoptedIsEnded},
	{"an adopted machine that crashed is STOPPED", adoptedCrashes},
	{"Release leaves an adopted machine running and takes it off the list", releaseLetsGo},
	{"Release leaves a machine that we made running", releaseOfMade},
	{"after Release no call does anything to the machine", releasedIsOutOfReach},
	{"Release of a missing machine prevents Ensure and Adopt", releasePreventsAdopt},
	{"a released machine can be adopted for another instance", releasedIsAdopted},
	{"a released machine keeps its address to itself", releasedKeepsAddress},
	{"a lower epoch neither adopts nor releases", lowerEpochNeitherAdoptsNorReleases},
	{"another cluster does not adopt our machine", clustersDoNotAdopt},
	{"another node finishes adopting and releasing", nodesShareAdoption},
	{"of many that adopt a machine one gets it", concurrentAdopt},
	{"Remove against Start leaves nothing running", concurrentRemoveStart},
}
