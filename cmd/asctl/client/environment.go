package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// FromEnvironment reads credentials: AS_CACERT turns TLS on, AS_CLIENT_CERT and
// AS_CLIENT_KEY show who we are, AS_TOKEN or AS_TOKEN_FILE is sent with calls.
func (o *Options) FromEnvironment(env func(string) string) error {
	var err error
	if o.TLS, err = tlsConfig(env("AS_CACERT"), env("AS_CLIENT_CERT"), env("AS_CLIENT_KEY")); err != nil {
		return err
	}
	o.Token = env("AS_TOKEN")
	if file := env("AS_TOKEN_FILE"); o.Token == "" && file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("AS_TOKEN_FILE: %w", err)
		}
		o.Token = strings.TrimSpace(string(content))
	}
	return nil
}

func tlsConfig(ca, cert, key string) (*tls.Config, error) {
	if ca == "" {
		if cert != "" || key != "" {
			return nil, errors.New("AS_CLIENT_CERT and AS_CLIENT_KEY need AS_CACERT, which turns TLS on")
		}
		return nil, nil
	}
	content, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("AS_CACERT: %w", err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS13}
	if !config.RootCAs.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("AS_CACERT: %s has no certificate in PEM form", ca)
	}
	if cert == "" && key == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("AS_CLIENT_CERT and AS_CLIENT_KEY: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
