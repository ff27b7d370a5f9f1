package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// progressing answers each GetActivity with the next state, and the last for ever.
func progressing(f *fake, states ...*pb.Activity) *fake {
	f.answer("SetDesiredCapacity", states[0], nil)
	i := 0
	f.answers["GetActivity"] = func(proto.Message) (proto.Message, error) {
		i = min(i+1, len(states)-1)
		return states[i], nil
	}
	return f
}

func scaleOut(state pb.Activity_Status, percent int32, ended int) *pb.Activity {
	a := activity(webGroup, 43, pb.Activity_SCALE_OUT, state)
	a.ProgressPercent = &percent
	for i := range 3 {
		entry := &pb.Activity_InstanceEntry{Instance: webGroup + "/instances/i-1", Status: pb.Activity_IN_PROGRESS}
		if i < ended {
			entry.Status = pb.Activity_SUCCESSFUL
		}
		a.Instances = append(a.Instances, entry)
	}
	return a
}

func TestWaitShowsProgressAndEndsWithTheActivity(t *testing.T) {
	partial := scaleOut(pb.Activity_PARTIAL, 100, 3)
	partial.Instances[2].Status, partial.Instances[2].Error = pb.Activity_FAILED, "zone a is full"
	failed := scaleOut(pb.Activity_FAILED, 100, 3)
	failed.Reason, failed.Message = "OUT_OF_CAPACITY", "no zone has room"
	for _, test := range []struct {
		name string
		last *pb.Activity
		code int
		out  string
		err  string
	}{
		{"successful", scaleOut(pb.Activity_SUCCESSFUL, 100, 3), 0, "SUCCESSFUL", ""},
		{"partial", partial, 1, "PARTIAL", "asctl: activity web/43 ended PARTIAL: i-1: zone a is full\n"},
		{"failed", failed, 1, "FAILED", "asctl: activity web/43 ended FAILED (OUT_OF_CAPACITY): no zone has room\n"},
		{"cancelled", scaleOut(pb.Activity_CANCELLED, 33, 1), 1, "CANCELLED", "asctl: activity web/43 ended CANCELLED\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := progressing(newFake(), scaleOut(pb.Activity_IN_PROGRESS, 0, 0), scaleOut(pb.Activity_IN_PROGRESS, 33, 1), scaleOut(pb.Activity_IN_PROGRESS, 33, 1), test.last)
			r := run(t, f, "", "group", "set-desired", "web", "5", "--wait")
			if r.code != test.code || !strings.Contains(r.out.String(), test.out) {
				t.Errorf("exit code %d, output %q; want %d and %s", r.code, r.out.String(), test.code, test.out)
			}
			want := "web/43 SCALE_OUT 2->5 0% IN_PROGRESS, 0 of 3 instances\n" +
				"web/43 SCALE_OUT 2->5 33% IN_PROGRESS, 1 of 3 instances\n"
			if !strings.HasPrefix(r.err.String(), want) || !strings.HasSuffix(r.err.String(), test.err) {
				t.Errorf("stderr:\n%s", r.err.String())
			}
		})
	}
}

func TestWaitTimesOutWith124AndSaysThatTheActivityGoesOn(t *testing.T) {
	f := progressing(newFake(), scaleOut(pb.Activity_IN_PROGRESS, 0, 0))
	r := run(t, f, "", "group", "set-desired", "web", "5", "--wait", "--timeout", "500ms")
	if want := "asctl: activity web/43 has not ended after 500ms; it goes on: asctl activity get web/43 --wait\n"; r.code != 124 || !strings.HasSuffix(r.err.String(), want) {
		t.Errorf("exit code %d, stderr %q", r.code, r.err.String())
	}
	if r.out.Len() > 0 {
		t.Errorf("output of what has not ended: %q", r.out.String())
	}
}

func TestInterruptedWaitDetachesWith130AndCancelsNothing(t *testing.T) {
	f := progressing(newFake(), scaleOut(pb.Activity_IN_PROGRESS, 0, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	r := runIn(ctx, t, f, "", nil, "group", "set-desired", "web", "5", "--wait")
	if r.code != 130 || !strings.HasSuffix(r.err.String(), "asctl: detached; activity web/43 goes on: asctl activity get web/43 --wait\n") {
		t.Errorf("exit code %d, stderr %q", r.code, r.err.String())
	}
	for _, request := range f.recorded() {
		if !strings.HasPrefix(request, "SetDesiredCapacity") && !strings.HasPrefix(request, "GetActivity") {
			t.Errorf("sent %s", request)
		}
	}
}

func TestWaitOnAGroupWaitsForWhatItDoes(t *testing.T) {
	f := newFake(append(webTier(), scaleOut(pb.Activity_IN_PROGRESS, 0, 0))...)
	f.answer("GetActivity", scaleOut(pb.Activity_SUCCESSFUL, 100, 3), nil)
	r := run(t, f, "", "group", "update", "web", "--max", "9", "--wait")
	if r.code != 0 || r.out.String() != "group/web updated\n" || !strings.Contains(r.err.String(), "SUCCESSFUL, 3 of 3 instances") {
		t.Errorf("exit code %d, output %q, stderr %q", r.code, r.out.String(), r.err.String())
	}
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	f := progressing(newFake(), scaleOut(pb.Activity_IN_PROGRESS, 0, 0), scaleOut(pb.Activity_IN_PROGRESS, 50, 1), scaleOut(pb.Activity_SUCCESSFUL, 100, 3))
	for _, test := range []struct {
		name, noColor string
		colored       bool
	}{{"in colour", "", true}, {"under NO_COLOR", "1", false}} {
		t.Run(test.name, func(t *testing.T) {
			r := onTerminal(t, f, "", map[string]string{"NO_COLOR": test.noColor}, "group", "set-desired", "web", "5", "--wait")
			text := r.err.String()
			if r.code != 0 || !strings.Contains(text, "\r\x1b[K") || !strings.Contains(text, "100%") || !strings.HasSuffix(text, "\n") {
				t.Errorf("exit code %d, stderr %q", r.code, text)
			}
			if got := strings.Contains(text, "\x1b[38;"); got != test.colored {
				t.Errorf("coloured: %v, want %v: %q", got, test.colored, text)
			}
		})
	}
}

func TestDeletionIsAskedForOnATerminal(t *testing.T) {
	for _, test := range []struct {
		answer string
		code   int
		left   bool
	}{{"y\n", 0, false}, {"yes\n", 0, false}, {"\n", 1, true}, {"no\n", 1, true}, {"", 1, true}} {
		f := newFake(webTier()...)
		r := onTerminal(t, f, test.answer, nil, "group", "delete", "web")
		if !strings.HasPrefix(r.err.String(), "Really delete group web in namespace default? [y/N] ") {
			t.Errorf("asked %q", r.err.String())
		}
		if r.code != test.code || (f.find(webGroup) >= 0) != test.left {
			t.Errorf("%q: exit code %d, group left: %v", test.answer, r.code, f.find(webGroup) >= 0)
		}
	}
}
