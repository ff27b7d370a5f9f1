package main

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"asctl": main})
}

// TestScripts runs command lines against a fake server that starts empty. The
// commands beside testscript's own:
//
//	exits CODE asctl...   run it in this process and check its exit code
//	sent [METHOD...]      check what was sent since the last time, without reads
//	await METHOD          wait until the server was asked
//
// A process of its own is "exec asctl", for what only that has: signals, streams.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			f := newFake()
			refuse := func(method string, code codes.Code) { f.answer(method, nil, status.Error(code, "says the fake")) }
			refuse("PauseGroup", codes.PermissionDenied)
			refuse("ResumeGroup", codes.Unauthenticated)
			refuse("EnableAlarmTask", codes.Internal)
			refuse("DisableAlarmTask", codes.InvalidArgument)
			endless := activity(webGroup, 43, pb.Activity_SCALE_OUT, pb.Activity_IN_PROGRESS)
			f.answer("SetDesiredCapacity", endless, nil).answer("GetActivity", endless, nil)
			f.answer("ListLifecycleActions", heldActions(), nil)
			f.answer("ListDeadLetters", &pb.ListDeadLettersResponse{DeadLetters: []*pb.Delivery{someDelivery(pb.Delivery_DEAD, "")}}, nil)
			f.answer("ListReleasedMachines", &pb.ListReleasedMachinesResponse{ReleasedMachines: []*pb.ReleasedMachine{{MachineId: "4711@127.0.0.2"}}}, nil)
			f.serve(env.T().(testing.TB), listener)
			env.Values["fake"] = f
			env.Setenv("AS_ADDR", listener.Addr().String())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"sent":  sent,
			"await": await,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	a := &app{
		in: strings.NewReader(""), out: ts.Stdout(), err: ts.Stderr(), env: ts.Getenv, now: time.Now, dir: ts.MkAbs("."),
	}
	if got := a.run(context.Background(), args[2:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func sent(ts *testscript.TestScript, _ bool, want []string) {
	f := ts.Value("fake").(*fake)
	f.mu.Lock()
	defer f.mu.Unlock()
	var got []string
	for _, request := range f.requests {
		method, _, _ := strings.Cut(request, " ")
		if !strings.HasPrefix(method, "Get") && !strings.HasPrefix(method, "List") {
			got = append(got, method)
		}
	}
	f.requests = nil
	if strings.Join(got, " ") != strings.Join(want, " ") {
		ts.Fatalf("sent %v, want %v", got, want)
	}
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	f := ts.Value("fake").(*fake)
	deadline := time.Now().Add(time.Minute)
	for !slices.ContainsFunc(f.recorded(), func(request string) bool { return strings.HasPrefix(request, args[0]+" ") }) {
		if time.Now().After(deadline) {
			ts.Fatalf("%s was not called", args[0])
		}
		time.Sleep(10 * time.Millisecond)
	}
}
