package rpc

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/explain"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// explanationMessage shows what there is to say of a resource at the time.
func explanationMessage(e explain.Explanation, now autoscaling.Time) *pb.Explanation {
	return &pb.Explanation{
		Resource: e.Resource, Time: timestamp(now), Summary: e.Summary,
		Statements: convertAll(e.Statements, func(s explain.Statement) *pb.Statement {
			return &pb.Statement{
				Topic: pb.Statement_Topic(s.Topic), Text: s.Text, Time: timestamp(s.Time), // the same numbers
				Links: convertAll(s.Links, func(l explain.Link) *pb.Statement_Link {
					return &pb.Statement_Link{Kind: l.Kind, Name: l.Name, Ari: l.ARI}
				}),
			}
		}),
	}
}

// findingMessage shows something that is late or wrong.
func findingMessage(f explain.Finding) *pb.Finding {
	return &pb.Finding{
		Kind: f.Kind, Severity: pb.Finding_Severity(f.Severity), // the same numbers
		Resource: f.Resource, Group: f.Group, Problem: f.Problem, Cause: f.Cause, Next: f.Next, Command: f.Command,
		Since: timestamp(f.Since), Deadline: timestamp(f.Deadline),
	}
}
