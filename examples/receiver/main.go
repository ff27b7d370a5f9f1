// Command as-receiver gets notifications: it checks their signatures, prints
// them, and, when told to, completes the launch hooks that they are about.
//
//	LISTEN        where to listen, default 127.0.0.1:8090; any path will do
//	SECRET_FILE   file with the target's signing secret; during a rotation with both, one a line
//	SECRET        the secret itself, where there is no file
//	COMPLETE      CONTINUE or ABANDON: completes the actions of launch hooks so; empty: it only prints
//	COMPLETE_AFTER  how long that takes, default 0
//	AS_HTTP       the service, default http://127.0.0.1:7480
//
// It needs nothing but Go's library, so that it can be read as what a receiver
// has to do, and written again in any language.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	secrets, err := readSecrets(os.Getenv("SECRET_FILE"), os.Getenv("SECRET"))
	if err != nil {
		return err
	}
	r := &receiver{secrets: secrets, now: time.Now, print: func(e event) { log.Print(e) }}
	if result := os.Getenv("COMPLETE"); result != "" {
		if result != "CONTINUE" && result != "ABANDON" {
			return fmt.Errorf("COMPLETE is %q, not CONTINUE or ABANDON", result)
		}
		after, err := time.ParseDuration(or(os.Getenv("COMPLETE_AFTER"), "0s"))
		if err != nil {
			return fmt.Errorf("COMPLETE_AFTER: %w", err)
		}
		r.completer = &completer{service: or(os.Getenv("AS_HTTP"), "http://127.0.0.1:7480"), result: result, after: after, http: &http.Client{Timeout: 5 * time.Second}}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server := &http.Server{
		Addr: or(os.Getenv("LISTEN"), "127.0.0.1:8090"), Handler: r,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	log.Printf("listening on http://%s/", server.Addr)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(finish)
}

func readSecrets(file, text string) ([][]byte, error) {
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text = string(content)
	}
	var secrets [][]byte
	for _, s := range strings.Fields(text) {
		key, err := parseSecret(s)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, key)
	}
	if len(secrets) == 0 {
		return nil, errors.New("SECRET_FILE or SECRET has to hold the target's signing secret")
	}
	return secrets, nil
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}
