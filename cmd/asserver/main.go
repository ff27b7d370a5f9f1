// Command asserver is a node of an AS cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules name IANA time zones; hosts may lack them

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/asctl/as/internal/providers/compute/process"
	"github.com/asctl/as/internal/server"
)

func main() {
	// An instance of the process provider begins as asserver and becomes its
	// command: this comes before everything else.
	if process.IsStarter(os.Args) {
		process.RunStarter(os.Args)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "asserver:", err)
		os.Exit(exitCode(err))
	}
}

// usageError is a mistake of who started us, not of the world.
type usageError struct{ error }

func exitCode(err error) int {
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func command() *cobra.Command {
	var s settings
	root := &cobra.Command{
		Use:           "asserver",
		Short:         "A node of an AS cluster",
		Long:          "asserver runs a node of an AS cluster.\n\nEvery flag is also a key of the configuration file and an ASSERVER_… variable;\na flag wins over the environment, the environment over the file.",
		Example:       "  asserver --dev\n  asserver --config node1.yaml",
		Version:       server.Version(),
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.load(cmd.Flags()); err != nil {
				return usageError{err}
			}
			log, err := s.logger()
			if err != nil {
				return usageError{err}
			}
			node, err := server.New(s.config, log)
			if err != nil {
				return err
			}
			return node.Run(cmd.Context())
		},
	}
	s.register(root.Flags())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(validateCommand(), bootstrapCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

func validateCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "validate --config FILE",
		Short: "Check a configuration file and the flags beside it; start nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.load(cmd.Flags()); err != nil {
				return err
			}
			if s.configFile == "" {
				return usageError{errors.New("validate: which file? (--config FILE)")}
			}
			if _, err := s.logger(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is valid\n", s.configFile)
			return nil
		},
	}
	s.register(c.Flags())
	return c
}

// logger writes to standard error: text on request or on a terminal.
func (s *settings) logger() (hclog.Logger, error) {
	level := hclog.LevelFromString(s.logLevel)
	if level == hclog.NoLevel {
		return nil, fmt.Errorf("log-level: %q is none of trace, debug, info, warn, error", s.logLevel)
	}
	if s.logFormat != "text" && s.logFormat != "json" {
		return nil, fmt.Errorf("log-format: %q is neither text nor json", s.logFormat)
	}
	options := &hclog.LoggerOptions{Name: "asserver", Level: level, JSONFormat: s.logFormat == "json", Output: os.Stderr}
	if s.logFormat == "text" && term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("NO_COLOR") == "" {
		options.Color, options.ColorHeaderOnly = hclog.AutoColor, true
	}
	return hclog.New(options), nil
}
