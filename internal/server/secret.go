package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/asctl/as/internal/cluster/peer"
)

// SecretSource says where a secret is: in a file or in a variable of the
// environment, never in the configuration itself. The zero value is no secret.
type SecretSource struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// ParseSecretSource reads "file:PATH" or "env:NAME".
func ParseSecretSource(text string) (SecretSource, error) {
	kind, value, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return SecretSource{}, nil
	case kind == "file" && value != "":
		return SecretSource{File: value}, nil
	case kind == "env" && value != "":
		return SecretSource{Env: value}, nil
	}
	return SecretSource{}, errors.New("must be file:PATH or env:NAME, never the secret itself")
}

// String is the form that ParseSecretSource reads.
func (s SecretSource) String() string {
	switch {
	case s.File != "":
		return "file:" + s.File
	case s.Env != "":
		return "env:" + s.Env
	}
	return ""
}

// Check refuses a source that names no place, or two.
func (s SecretSource) Check() error {
	if (s.File == "") == (s.Env == "") {
		return errors.New("must be {file: PATH} or {env: NAME}")
	}
	return nil
}

// Resolve makes the path of a file relative to a directory absolute.
func (s *SecretSource) Resolve(dir string) {
	if s.File != "" && !filepath.IsAbs(s.File) {
		s.File = filepath.Join(dir, s.File)
	}
}

// maxSecretFile bounds what is read of a secret's file.
const maxSecretFile = 64 << 10

// read returns the secrets, none without a source.
func (s SecretSource) read() (peer.Secrets, error) {
	var text string
	switch {
	case s.File != "":
		var err error
		if text, err = readPrivate(s.File); err != nil {
			return peer.Secrets{}, err
		}
	case s.Env != "":
		var ok bool
		if text, ok = os.LookupEnv(s.Env); !ok {
			return peer.Secrets{}, fmt.Errorf("the environment has no variable %s", s.Env)
		}
	default:
		return peer.Secrets{}, nil
	}
	secrets, err := peer.ParseSecrets(text)
	if err != nil {
		return peer.Secrets{}, fmt.Errorf("%s: %w", s, err)
	}
	return secrets, nil
}

// readPrivate reads a file that only its owner may read or write.
func readPrivate(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", name)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%s has mode %04o, so that others than its owner may use it: chmod 600 %s", name, mode, name)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxSecretFile {
		return "", fmt.Errorf("%s has more than %d bytes", name, maxSecretFile)
	}
	return string(text), nil
}

// checkSecret reads the cluster's secret, and requires one when an address of
// the cluster's nodes can be reached from other hosts.
func (c *Config) checkSecret() error {
	secrets, err := c.ClusterSecret.read()
	if err != nil {
		return fmt.Errorf("cluster-secret: %w", err)
	}
	if !secrets.None() || c.Dev {
		return nil
	}
	for _, address := range append([]string{c.RaftAddr, c.AdvertiseRaftAddr}, c.initialAddresses()...) {
		if address != "" && !isLoopback(address) {
			return fmt.Errorf("cluster-secret: required, because the nodes talk at %s, which is not a loopback address: "+
				"make one (head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE) and give all nodes the same", address)
		}
	}
	return nil
}

// isLoopback reports whether an address of the form host:port is on this host
// and reached from nowhere else.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
