package process

import (
	"fmt"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary is its own starter and its own node:
//
//	BINARY __start-instance …             a starter
//	BINARY dying-starter STEP … …         a starter that is killed at the step
//	BINARY node STEP CALL DIRECTORY …     a node that makes a call and is killed at the step
//	BINARY listen                         an instance that listens where it is told to
func TestMain(m *testing.M) {
	switch {
	case IsStarter(os.Args):
		RunStarter(os.Args)
	case len(os.Args) > 2 && os.Args[1] == "dying-starter":
		args := append([]string{os.Args[0], starterArgument}, os.Args[3:]...)
		os.Exit(runStarter(args, dieAt(os.Args[2])))
	case len(os.Args) == 2 && os.Args[1] == "listen":
		listener, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("AS_ADDRESS"), os.Getenv("PORT")))
		if err != nil {
			panic(err)
		}
		for {
			_, _ = listener.Accept()
		}
	case len(os.Args) > 4 && os.Args[1] == "node":
		if err := nodeMain(os.Args[2], os.Args[3], os.Args[4], os.Args[5:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// dieAt ends the process at the step as nothing can prevent: without a last word.
func dieAt(name string) func(string) {
	return func(step string) {
		if step == name {
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		}
	}
}
