package rpc

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/explain"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestExplanationsAndFindingsShowEverythingThatIsSaid(t *testing.T) {
	e := explanationMessage(explain.Explanation{
		Resource: web, Summary: "s", Statements: []explain.Statement{{Topic: explain.Next, Text: "t", Time: 3, Links: []explain.Link{{Kind: "rule", Name: "n", ARI: "a"}}}},
	}, 7)
	wantFull(t, e)
	wantFull(t, e.GetStatements()[0])
	wantFull(t, e.GetStatements()[0].GetLinks()[0])
	f := findingMessage(explain.Finding{
		Kind: "K", Severity: explain.Error, Resource: "r", Group: "g", Problem: "p", Cause: "c", Next: "n", Command: "x", Since: 1, Deadline: 2,
	})
	wantFull(t, f)
	if f.GetSeverity() != pb.Finding_ERROR || e.GetStatements()[0].GetTopic() != pb.Statement_NEXT {
		t.Error(f, e)
	}
}

func TestExplanationsNameWhoAsked(t *testing.T) {
	c := startCluster(t, 2)
	api, waiting, _ := setUpMoves(t, c)
	ctx := context.Background()
	for _, name := range []string{waiting[0].GetInstance(), strings.Replace(waiting[0].GetInstance(), web, ns+"/groups/"+ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: web})).GetUid(), 1)} {
		first := ok[*pb.Explanation](t)(api.ExplainInstance(ctx, &pb.ExplainInstanceRequest{Name: name}))
		if first.GetResource() != waiting[0].GetInstance() || first.GetSummary() == "" || len(first.GetStatements()) < 3 || first.GetTime() == nil {
			t.Errorf("%v", first)
		}
		links := map[string]string{}
		for _, s := range first.GetStatements() {
			for _, l := range s.GetLinks() {
				links[l.GetKind()] = l.GetName()
			}
		}
		if links["activity"] != web+"/activities/1" || links["lifecycle-hook"] != web+"/lifecycleHooks/warm" {
			t.Errorf("links %v of %v", links, first)
		}
	}
	// A follower tells the same from what it knows.
	stale := ok[*pb.Explanation](t)(c.nodes[1].clients().ExplainGroup(ctx, &pb.ExplainGroupRequest{Name: web, Consistency: pb.Consistency_STALE}))
	if leaders := ok[*pb.Explanation](t)(api.ExplainGroup(ctx, &pb.ExplainGroupRequest{Name: web})); !proto.Equal(stale, leaders) {
		t.Errorf("the follower says %v, the leader %v", stale, leaders)
	}
	_, err := api.ExplainInstance(ctx, &pb.ExplainInstanceRequest{Name: web + "/instances/i-00000000000000fff"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	_, err = api.ExplainGroup(ctx, &pb.ExplainGroupRequest{Name: ns + "/groups/none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
}

// A page token takes 1024 characters.
func TestALongProblemFitsIntoAPageToken(t *testing.T) {
	long := explain.Finding{Severity: explain.Error, Resource: strings.Repeat("r", 230), Kind: explain.KindTargetMissing, Problem: strings.Repeat("ü\x00", 1000)}
	other := long
	other.Problem += "."
	if findingKey(long) == findingKey(other) {
		t.Error("two problems have one place")
	}
	if token := pageToken(&pb.ListFindingsRequest{Parent: ns}, findingKey(long), nil); len(token) > 1024 {
		t.Errorf("%d characters", len(token))
	}
}

func TestFindingsAreThoseOfANamespaceOrAGroupTheWorstFirst(t *testing.T) {
	c := startCluster(t, 1)
	api, _, _ := setUpMoves(t, c)
	ctx := context.Background()
	ok[*pb.Group](t)(api.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: "bare", Group: &pb.Group{MaxSize: p(int32(1))}}))
	ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: "ops", NotificationTarget: webhook()}))
	ok[*pb.Delivery](t)(api.TestNotificationTarget(ctx, &pb.TestNotificationTargetRequest{Name: ops}))
	c.giveUp()
	c.now.Add(int64(time.Hour / time.Microsecond)) // the hooks' deadlines pass, and nobody acts on them
	all := ok[*pb.ListFindingsResponse](t)(api.ListFindings(ctx, &pb.ListFindingsRequest{Parent: ns}))
	var kinds []string
	last := pb.Finding_ERROR
	for _, f := range all.GetFindings() {
		kinds = append(kinds, f.GetKind())
		if f.GetSeverity() > last || f.GetProblem() == "" {
			t.Errorf("%v", f)
		}
		last = f.GetSeverity()
	}
	for _, want := range []string{explain.KindDeadLetters, "NO_CONFIGURATION", "INSTANCE_OVERDUE"} {
		if !strings.Contains(strings.Join(kinds, " "), want) {
			t.Errorf("%q has no %s", kinds, want)
		}
	}
	var paged []*pb.Finding
	for req := (&pb.ListFindingsRequest{Parent: ns, PageSize: 1}); ; {
		page := ok[*pb.ListFindingsResponse](t)(api.ListFindings(ctx, req))
		paged = append(paged, page.GetFindings()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if !proto.Equal(&pb.ListFindingsResponse{Findings: paged}, &pb.ListFindingsResponse{Findings: all.GetFindings()}) {
		t.Errorf("page by page %v, at once %v", paged, all.GetFindings())
	}
	for _, f := range ok[*pb.ListFindingsResponse](t)(api.ListFindings(ctx, &pb.ListFindingsRequest{Parent: ns, Group: "bare"})).GetFindings() {
		if f.GetGroup() != ns+"/groups/bare" {
			t.Errorf("of another group: %v", f)
		}
	}
	if m := ok[*pb.ListFindingsResponse](t)(api.ListFindings(ctx, &pb.ListFindingsRequest{Parent: ns, Group: "other"})); m.GetTotalSize() != 0 {
		t.Errorf("%v", m)
	}
	_, err := api.ListFindings(ctx, &pb.ListFindingsRequest{Parent: ns, Group: "none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	if m := ok[*pb.ListFindingsResponse](t)(api.ListFindings(ctx, &pb.ListFindingsRequest{Parent: "namespaces/empty"})); m.GetTotalSize() != 0 {
		t.Errorf("%v", m)
	}
}
