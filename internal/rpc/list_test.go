package rpc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// manyGroups makes groups g00 … with labels and sizes to filter and sort by.
func manyGroups(t testing.TB, api clients, n int) {
	t.Helper()
	for i := range n {
		ok[*pb.Group](t)(api.CreateGroup(context.Background(), &pb.CreateGroupRequest{
			Parent: ns, GroupId: fmt.Sprintf("g%02d", i),
			Group: &pb.Group{
				MaxSize: p(int32(100 - i%10)), Paused: i%3 == 0, AttachedLast: i%2 == 0,
				Labels: map[string]string{"team": string(rune('a' + i%4))},
			},
		}))
	}
}

func ids(groups []*pb.Group) []string {
	var out []string
	for _, g := range groups {
		out = append(out, g.GetName()[strings.LastIndexByte(g.GetName(), '/')+1:])
	}
	return out
}

func TestListsArePagedWithoutGapsOrRepeats(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	manyGroups(t, api, 25)
	ctx := context.Background()
	for _, req := range []*pb.ListGroupsRequest{
		{Parent: ns},
		{Parent: ns, OrderBy: "max_size desc, name"},
		{Parent: ns, OrderBy: "maxSize"},
		{Parent: ns, Filter: "attached_last = true OR attachedLast = false"},
		{Parent: ns, Filter: `labels.team = "a" OR NOT labels.team = a`, OrderBy: "labels.team"},
	} {
		var got []string
		sizes := []int32{7, 1, 10, 50}
		for page := 0; ; page++ {
			req.PageSize = sizes[page%4]
			answer := ok[*pb.ListGroupsResponse](t)(api.ListGroups(ctx, req))
			if answer.GetTotalSize() != 25 {
				t.Errorf("%v: total %d", req, answer.GetTotalSize())
			}
			got = append(got, ids(answer.GetGroups())...)
			if req.PageToken = answer.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		sorted := slices.Sorted(slices.Values(got))
		if len(got) != 25 || len(slices.Compact(sorted)) != 25 {
			t.Errorf("%v: %v", req, got)
		}
		if req.GetOrderBy() == "" && !slices.IsSorted(got) {
			t.Errorf("%v: %v", req, got)
		}
	}
}

func TestAPageIsStableWhileThingsComeAndGo(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	manyGroups(t, api, 10)
	ctx := context.Background()
	for _, order := range []string{"", "max_size desc"} { // both orders are the ids' here
		first := ok[*pb.ListGroupsResponse](t)(api.ListGroups(ctx, &pb.ListGroupsRequest{Parent: ns, PageSize: 5, OrderBy: order}))
		// The last of the page goes, one before it comes.
		c.do(func(tx *fsm.Tx) error {
			g := *tx.GroupByID("default", "g04")
			tx.DeleteGroup(g.UID)
			return nil
		})
		ok[*pb.Group](t)(api.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: "a", Group: &pb.Group{MaxSize: p(int32(200))}}))
		second := ok[*pb.ListGroupsResponse](t)(api.ListGroups(ctx, &pb.ListGroupsRequest{Parent: ns, PageSize: 50, OrderBy: order, PageToken: first.GetNextPageToken()}))
		if got := ids(second.GetGroups()); !slices.Equal(got, []string{"g05", "g06", "g07", "g08", "g09"}) {
			t.Errorf("order %q: %v", order, got)
		}
		c.do(func(tx *fsm.Tx) error { tx.DeleteGroup(tx.GroupByID("default", "a").UID); return nil })
		ok[*pb.Group](t)(api.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: "g04", Group: &pb.Group{MaxSize: p(int32(96))}}))
	}
}

func TestFiltersOrdersAndSkips(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	manyGroups(t, api, 12)
	for _, test := range []struct {
		filter, order string
		skip          int32
		want          string
		total         int32
	}{
		{filter: "state = PAUSED", want: "g00 g03 g06 g09", total: 4},
		{filter: "state != PAUSED AND max_size < 95", want: "g07 g08", total: 2},
		{filter: "maxSize >= 99 max_size <= 99", want: "g01 g11", total: 2},
		{filter: "attached_last AND NOT state = PAUSED", want: "g02 g04 g08 g10", total: 4},
		{filter: "labels:team", want: "g00 g01 g02 g03 g04 g05 g06 g07 g08 g09 g10 g11", total: 12},
		{filter: `labels.team = "d"`, want: "g03 g07 g11", total: 3},
		{filter: `name = "*/g00*"`, want: "g00", total: 1},
		{filter: `name = "namespaces/*"`, skip: 11, want: "g11", total: 12},
		{filter: `name = "*5"`, want: "g05", total: 1},
		{filter: `name = "*g1*"`, want: "g10 g11", total: 2},
		{filter: `name:"g07"`, want: "g07", total: 1},
		{filter: `name = "namespaces/default/groups/g05"`, want: "g05", total: 1},
		{filter: "counts.total = 0 AND (state = PAUSED OR max_size = 92)", want: "g00 g03 g06 g08 g09", total: 5},
		{filter: `create_time < "2030-01-01T00:00:00Z"`, order: "name desc", skip: 10, want: "g01 g00", total: 12},
		{filter: `default_cooldown > "100s"`, skip: 11, want: "g11", total: 12},
		{filter: `create_time > timestamp("2030-01-01T00:00:00Z")`, want: "", total: 0},
		{filter: "cooldown_until:*", want: "", total: 0},
		{filter: "configuration.name = web", want: "", total: 0},
		{order: "max_size, name desc", skip: 8, want: "g11 g01 g10 g00", total: 12},
		{skip: 10, want: "g10 g11", total: 12},
		{skip: 100, want: "", total: 12},
	} {
		answer := ok[*pb.ListGroupsResponse](t)(api.ListGroups(context.Background(), &pb.ListGroupsRequest{Parent: ns, Filter: test.filter, OrderBy: test.order, Skip: test.skip}))
		if got := strings.Join(ids(answer.GetGroups()), " "); got != test.want || answer.GetTotalSize() != test.total {
			t.Errorf("filter %q order %q skip %d: %s, total %d; want %s, %d", test.filter, test.order, test.skip, got, answer.GetTotalSize(), test.want, test.total)
		}
	}
}

func TestBadListsAreRefusedWithTheField(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	manyGroups(t, api, 3)
	ctx := context.Background()
	token := ok[*pb.ListGroupsResponse](t)(api.ListGroups(ctx, &pb.ListGroupsRequest{Parent: ns, PageSize: 1})).GetNextPageToken()
	for field, reqs := range map[string][]*pb.ListGroupsRequest{
		"filter": {
			{Filter: "colour = red"}, {Filter: "state = SLEEPING"}, {Filter: "max_size = many"}, {Filter: "("}, {Filter: "state"},
			{Filter: "conditions:x"}, {Filter: "max_size:3"}, {Filter: `create_time > "yesterday"`}, {Filter: "f(x) = 1"}, {Filter: "1 = 1"},
			{Filter: "zones = x"}, {Filter: "max_size.x = 1"}, {Filter: strings.Repeat("(", 2000)},
		},
		"order_by":   {{OrderBy: "colour"}, {OrderBy: "zones"}, {OrderBy: "name sideways"}, {OrderBy: "name,,"}, {OrderBy: strings.Repeat("name,", 20) + "name"}},
		"page_token": {{PageToken: "x"}, {PageToken: token, Filter: "max_size > 1"}, {PageToken: token, OrderBy: "name"}, {PageToken: token, Parent: "namespaces/other"}},
	} {
		for _, req := range reqs {
			if req.Parent == "" {
				req.Parent = ns
			}
			_, err := api.ListGroups(ctx, req)
			st := wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
			if !strings.HasPrefix(st.Message(), field+": ") {
				t.Errorf("%v: %s", req, st.Message())
			}
		}
	}
	_, err := api.ListGroups(ctx, &pb.ListGroupsRequest{Parent: ns, PageSize: -1})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestAPageIsBounded(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	ctx := context.Background()
	for i := range 5 { // 1 MiB each
		cfg := simConfiguration()
		for range 120 {
			cfg.Args = append(cfg.Args, strings.Repeat("x", 8192))
		}
		ok[*pb.Configuration](t)(api.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{Parent: ns, ConfigurationId: fmt.Sprintf("c%d", i), Configuration: cfg}))
	}
	var got int
	req := &pb.ListConfigurationsRequest{Parent: ns}
	for {
		answer := ok[*pb.ListConfigurationsResponse](t)(api.ListConfigurations(ctx, req))
		if n := len(answer.GetConfigurations()); n == 0 || n > 3 {
			t.Fatalf("a page of %d", n)
		}
		got += len(answer.GetConfigurations())
		if req.PageToken = answer.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if got != 5 {
		t.Errorf("%d of 5", got)
	}
}

func TestEveryCollectionIsListed(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	for i := range 3 {
		ok[*pb.AlarmTask](t)(api.CreateAlarmTask(ctx, &pb.CreateAlarmTaskRequest{Parent: web, AlarmTaskId: fmt.Sprintf("a%d", i), AlarmTask: busyAlarm()}))
		ok[*pb.ScheduledTask](t)(api.CreateScheduledTask(ctx, &pb.CreateScheduledTaskRequest{Parent: web, ScheduledTaskId: fmt.Sprintf("s%d", i), ScheduledTask: nightTask()}))
	}
	ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(5))}))
	alarms := ok[*pb.ListAlarmTasksResponse](t)(api.ListAlarmTasks(ctx, &pb.ListAlarmTasksRequest{Parent: web, OrderBy: "name desc", Filter: "metric.name = cpu AND rules:\"add-two\" AND enabled = true"}))
	if len(alarms.GetAlarmTasks()) != 3 || alarms.GetAlarmTasks()[0].GetName() != web+"/alarmTasks/a2" {
		t.Error(alarms)
	}
	tasks := ok[*pb.ListScheduledTasksResponse](t)(api.ListScheduledTasks(ctx, &pb.ListScheduledTasksRequest{Parent: web, PageSize: 2, OrderBy: "next_run_time", Filter: "cron:*"}))
	if len(tasks.GetScheduledTasks()) != 2 || tasks.GetTotalSize() != 3 || tasks.GetNextPageToken() == "" {
		t.Error(tasks)
	}
	rules := ok[*pb.ListRulesResponse](t)(api.ListRules(ctx, &pb.ListRulesRequest{Parent: web, Filter: "simple.adjustment = -1"}))
	if len(rules.GetRules()) != 1 || rules.GetRules()[0].GetName() != web+"/rules/remove-one" {
		t.Error(rules)
	}
	// Oldest first, in pages.
	var instances []*pb.Instance
	req := &pb.ListInstancesRequest{Parent: web, PageSize: 2}
	for {
		answer := ok[*pb.ListInstancesResponse](t)(api.ListInstances(ctx, req))
		instances = append(instances, answer.GetInstances()...)
		if req.PageToken = answer.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if len(instances) != 5 || !slices.IsSortedFunc(instances, func(a, b *pb.Instance) int {
		return a.GetCreateTime().AsTime().Compare(b.GetCreateTime().AsTime())
	}) {
		t.Error(instances)
	}
	// Newest first.
	activities := ok[*pb.ListActivitiesResponse](t)(api.ListActivities(ctx, &pb.ListActivitiesRequest{Parent: web}))
	if a := activities.GetActivities(); len(a) != 2 || a[0].GetToCapacity() != 5 || len(a[0].GetInstances()) != 3 || len(a[1].GetInstances()) != 2 {
		t.Error(activities)
	}
	running := ok[*pb.ListActivitiesResponse](t)(api.ListActivities(ctx, &pb.ListActivitiesRequest{Parent: web, Filter: "status = IN_PROGRESS AND trigger.kind = MANUAL", PageSize: 1}))
	if a := running.GetActivities(); len(a) != 1 || running.GetTotalSize() != 2 || len(a[0].GetInstances()) != 3 {
		t.Error(running)
	}
	all := ok[*pb.ListGroupsResponse](t)(api.ListGroups(ctx, &pb.ListGroupsRequest{Parent: "namespaces/-"}))
	if len(all.GetGroups()) != 1 {
		t.Error(all)
	}
}

func TestFinalInstancesAreListedWhenAskedFor(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	gone := c.nodes[0].instances()[0]
	c.do(func(tx *fsm.Tx) error {
		next := *gone
		next.State, next.EndTime = autoscaling.Terminated, tx.Now()
		tx.PutInstance(&next)
		return nil
	})
	if l := ok[*pb.ListInstancesResponse](t)(api.ListInstances(ctx, &pb.ListInstancesRequest{Parent: web})); len(l.GetInstances()) != 1 {
		t.Error(l)
	}
	if l := ok[*pb.ListInstancesResponse](t)(api.ListInstances(ctx, &pb.ListInstancesRequest{Parent: web, IncludeFinal: true, PageSize: 1})); l.GetTotalSize() != 2 {
		t.Error(l)
	}
	i := ok[*pb.Instance](t)(api.GetInstance(ctx, &pb.GetInstanceRequest{Name: web + "/instances/" + string(gone.ID)}))
	if i.GetState() != pb.Instance_TERMINATED {
		t.Error(i)
	}
}
