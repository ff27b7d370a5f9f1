package main

import (
	"errors"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"asctl": main})
}

// TestScripts runs asctl as a process against a fake server that starts empty.
// Their commands beside testscript's own:
//
//	exits CODE COMMAND...   run it and check its exit code
//	sent [METHOD...]        check what was sent since the last time, without reads
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
			f.serve(env.T().(testing.TB), listener)
			env.Values["fake"] = f
			env.Setenv("AS_ADDR", listener.Addr().String())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"sent":  sent,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
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
