package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	"github.com/asctl/as/cmd/asctl/client"
	"github.com/asctl/as/cmd/asctl/output"
)

// app is what all commands share: the streams, the flags that every command has,
// and the way to the cluster.
type app struct {
	in       io.Reader
	out, err io.Writer
	// What is a terminal may be asked, redrawn and coloured.
	inTerminal, outTerminal, errTerminal bool
	env                                  func(string) string
	now                                  func() time.Time
	// dir is where relative paths begin; empty: where the process is.
	dir string
	// dial replaces the network in tests.
	dial func(context.Context, string) (net.Conn, error)

	global globals
	conn   *client.Cluster // opened by the first connect
}

// globals are the flags that every command has.
type globals struct {
	addresses []string
	namespace string
	// namespaceGiven and formatGiven say that the flag was, not only its default.
	namespaceGiven, formatGiven bool
	format                      string
	wait, watch, yes, dryRun    bool
	timeout                     time.Duration
	requestID                   string
}

// run executes the command line and answers the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(negativesLast(args))
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	command, err := root.ExecuteContextC(ctx)
	if a.conn != nil {
		_ = a.conn.Close()
	}
	if err != nil && ctx.Err() != nil {
		err = interrupted(err)
	}
	printError(a.err, command, err)
	return exitCode(err)
}

// connect answers the connection to the cluster.
func (a *app) connect() (*client.Cluster, error) {
	if a.conn != nil {
		return a.conn, nil
	}
	options := client.Options{
		Addresses: a.global.addresses,
		Timeout:   a.global.timeout,
		RequestID: a.global.requestID,
		DryRun:    a.global.dryRun,
		Notice:    func(text string) { a.note("%s", text) },
		Dial:      a.dial,
	}
	if err := options.FromEnvironment(a.env); err != nil {
		return nil, err
	}
	conn, err := client.New(options)
	if err != nil {
		return nil, usageError{err}
	}
	a.conn = conn
	return conn, nil
}

// path is where a file is that was named on the command line.
func (a *app) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.dir, name)
}

// note tells a person something that is not the data asked for.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

func (a *app) printer() output.Printer {
	return output.Printer{Out: a.out, Format: a.global.format, Now: a.now(), NameOf: keyWithoutName}
}

// asDocument says that a message is wanted as it is, not a table of it.
func (a *app) asDocument() bool {
	return a.global.format == output.JSON || a.global.format == output.YAML
}

// color says whether what goes to that stream may be coloured.
func (a *app) color(terminal bool) bool { return terminal && a.env("NO_COLOR") == "" }

// done says in words what was done to a resource, unless a format was asked for.
func (a *app) done(noun, name, what string) {
	if a.global.dryRun {
		what += " (dry run)"
	}
	fmt.Fprintf(a.out, "%s/%s %s\n", noun, shortName(name), what)
}
