package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/asctl/as/internal/server"
)

// settings are the flags. Every one is also a key of the configuration file and
// an ASSERVER_… variable; flag > environment > file > default.
type settings struct {
	config         server.Config
	httpHosts      string
	webhookAllow   string
	initialCluster string
	clusterSecret  string
	configFile     string
	logLevel       string
	logFormat      string
}

// onlyFlags are not keys of the file: they say what to read or how to begin.
var onlyFlags = map[string]bool{"config": true, "help": true}

func (s *settings) register(flags *pflag.FlagSet) {
	s.config = server.DefaultConfig()
	c := &s.config
	flags.StringVar(&s.configFile, "config", "", "configuration `file`")
	flags.BoolVar(&c.Dev, "dev", false, "one node on loopback, in memory unless --data-dir is given, with providers ready to try")
	flags.StringVar(&c.NodeID, "node-id", "", "this node's `id`, unique in the cluster")
	flags.StringVar(&c.DataDir, "data-dir", "", "`directory` of the replicated log and state")
	flags.StringVar(&c.GRPCAddr, "grpc-addr", c.GRPCAddr, "`host:port` to serve gRPC on")
	flags.StringVar(&c.HTTPAddr, "http-addr", c.HTTPAddr, "`host:port` to serve REST on")
	flags.StringVar(&c.RaftAddr, "raft-addr", c.RaftAddr, "`host:port` to talk with the other nodes on")
	flags.StringVar(&c.AdvertiseGRPCAddr, "advertise-grpc-addr", "", "gRPC `host:port` that others reach this node at (default: --grpc-addr)")
	flags.StringVar(&c.AdvertiseHTTPAddr, "advertise-http-addr", "", "HTTP `host:port` that others reach this node at (default: --http-addr)")
	flags.StringVar(&c.AdvertiseRaftAddr, "advertise-raft-addr", "", "Raft `host:port` that others reach this node at (default: --raft-addr)")
	flags.StringVar(&s.httpHosts, "http-hosts", "", "`name,name…` that callers of REST reach this node by, besides IP addresses, localhost and the names in http-addr and advertise-http-addr")
	flags.StringVar(&s.webhookAllow, "webhook-allow", "", "`prefix,prefix…` of addresses that webhooks may go to although they are refused otherwise, e.g. 127.0.0.0/8")
	flags.IntVar(&c.MaxConnections, "max-connections", c.MaxConnections, "`number` of connections to each of the gRPC and HTTP listeners; fewer where file descriptors are scarce")
	flags.IntVar(&c.MaxConnectionsPerSource, "max-connections-per-source", 0, "`number` of them from one IP address (default: half)")
	flags.DurationVar(&c.DiskTimeout, "disk-timeout", c.DiskTimeout, "`duration` that one access to data-dir may take, from 500ms to 60s; then the node takes no part until it has returned")
	flags.StringVar(&s.initialCluster, "initial-cluster", "", "`n1=host:port,n2=…`: the Raft addresses of all nodes, for the first start; ignored later")
	flags.StringVar(&c.ClusterName, "cluster-name", c.ClusterName, "`name` of the cluster, part of every ARI; fixed at the first start")
	flags.StringVar(&s.clusterSecret, "cluster-secret", "", "`file:PATH or env:NAME`: where the secret is that the nodes share; one a line, the first proves, all are accepted")
	flags.BoolVar(&c.Insecure, "insecure", false, "listen beyond loopback without TLS")
	flags.StringVar(&s.logLevel, "log-level", "info", "trace, debug, info, warn or error")
	flags.StringVar(&s.logFormat, "log-format", "text", "text or json")
}

// load fills what no flag gave from the environment, then from the file, and
// checks the whole.
func (s *settings) load(flags *pflag.FlagSet) error {
	if file, ok := os.LookupEnv("ASSERVER_CONFIG"); ok && !flags.Changed("config") {
		s.configFile = file
	}
	if err := fromEnvironment(flags); err != nil {
		return err
	}
	if s.configFile != "" {
		if err := s.fromFile(flags); err != nil {
			return err
		}
	}
	nodes, err := server.ParseInitialCluster(s.initialCluster)
	if err != nil {
		return err
	}
	s.config.InitialCluster = nodes
	s.config.HTTPHosts = server.ParseHosts(s.httpHosts)
	s.config.WebhookAllow = server.ParseHosts(s.webhookAllow)
	if s.config.ClusterSecret, err = server.ParseSecretSource(s.clusterSecret); err != nil {
		return fmt.Errorf("cluster-secret: %w", err)
	}
	if s.config.Dev {
		if err := s.config.PrepareDev(); err != nil {
			return err
		}
	}
	return s.config.Validate()
}

func fromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || onlyFlags[f.Name] {
			return
		}
		name := "ASSERVER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok {
			if err := flags.Set(f.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	return errors.Join(errs...)
}

// fileKeys are the keys of the configuration file; a test holds them against
// the flags.
type fileKeys struct {
	Dev                     *bool   `yaml:"dev"`
	NodeID                  *string `yaml:"node-id"`
	DataDir                 *string `yaml:"data-dir"`
	GRPCAddr                *string `yaml:"grpc-addr"`
	HTTPAddr                *string `yaml:"http-addr"`
	RaftAddr                *string `yaml:"raft-addr"`
	AdvertiseGRPCAddr       *string `yaml:"advertise-grpc-addr"`
	AdvertiseHTTPAddr       *string `yaml:"advertise-http-addr"`
	AdvertiseRaftAddr       *string `yaml:"advertise-raft-addr"`
	HTTPHosts               *string `yaml:"http-hosts"`
	WebhookAllow            *string `yaml:"webhook-allow"`
	InitialCluster          *string `yaml:"initial-cluster"`
	MaxConnections          *int    `yaml:"max-connections"`
	MaxConnectionsPerSource *int    `yaml:"max-connections-per-source"`
	DiskTimeout             *string `yaml:"disk-timeout"`
	ClusterName             *string `yaml:"cluster-name"`
	Insecure                *bool   `yaml:"insecure"`
	LogLevel                *string `yaml:"log-level"`
	LogFormat               *string `yaml:"log-format"`

	ClusterSecret *server.SecretSource `yaml:"cluster-secret"`

	Providers server.Providers `yaml:"providers"`
}

func (s *settings) fromFile(flags *pflag.FlagSet) error {
	text, err := os.ReadFile(s.configFile)
	if err != nil {
		return err
	}
	var keys fileKeys
	if err := yaml.UnmarshalWithOptions(text, &keys, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", s.configFile, yaml.FormatError(err, false, true))
	}
	dir, err := filepath.Abs(filepath.Dir(s.configFile))
	if err != nil {
		return err
	}
	if keys.DataDir != nil && !filepath.IsAbs(*keys.DataDir) {
		*keys.DataDir = filepath.Join(dir, *keys.DataDir)
	}
	if keys.ClusterSecret != nil {
		if err := keys.ClusterSecret.Check(); err != nil {
			return fmt.Errorf("%s: cluster-secret: %w", s.configFile, err)
		}
		keys.ClusterSecret.Resolve(dir)
	}
	keys.Providers.Resolve(dir)
	s.config.Providers = keys.Providers
	for name, value := range keys.byFlag() {
		if flags.Changed(name) {
			continue // a flag or a variable of the environment has the say
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%s: %s: %w", s.configFile, name, err)
		}
	}
	return nil
}

// byFlag has the keys that the file gave, by the name of their flag.
func (k *fileKeys) byFlag() map[string]string {
	given := map[string]string{}
	for name, value := range map[string]*string{
		"node-id": k.NodeID, "data-dir": k.DataDir,
		"grpc-addr": k.GRPCAddr, "http-addr": k.HTTPAddr, "raft-addr": k.RaftAddr,
		"advertise-grpc-addr": k.AdvertiseGRPCAddr, "advertise-http-addr": k.AdvertiseHTTPAddr, "advertise-raft-addr": k.AdvertiseRaftAddr,
		"http-hosts": k.HTTPHosts, "webhook-allow": k.WebhookAllow, "initial-cluster": k.InitialCluster, "cluster-name": k.ClusterName, "disk-timeout": k.DiskTimeout,
		"log-level": k.LogLevel, "log-format": k.LogFormat,
	} {
		if value != nil {
			given[name] = *value
		}
	}
	for name, value := range map[string]*int{"max-connections": k.MaxConnections, "max-connections-per-source": k.MaxConnectionsPerSource} {
		if value != nil {
			given[name] = fmt.Sprint(*value)
		}
	}
	if k.ClusterSecret != nil {
		given["cluster-secret"] = k.ClusterSecret.String()
	}
	for name, value := range map[string]*bool{"dev": k.Dev, "insecure": k.Insecure} {
		if value != nil {
			given[name] = fmt.Sprint(*value)
		}
	}
	return given
}
