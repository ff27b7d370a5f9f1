// Command as-receiver gets notifications: it checks their signatures, prints
// them, and, when told to, completes the lifecycle hooks that they are about.
//
//	as-receiver --secret whsec_… [--listen 127.0.0.1:9090] [--complete http://127.0.0.1:7480]
//
// It needs nothing but Go's library, so that it can be read as what a receiver
// has to do, and written again in any language.
package main

import (
	"context"
	"errors"
	"flag"
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
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("as-receiver", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:9090", "address to listen on; any path will do")
	secret := flags.String("secret", os.Getenv("WEBHOOK_SECRET"), "the target's signing secret, or $WEBHOOK_SECRET")
	secretFile := flags.String("secret-file", "", "file with it, which nobody sees in a list of processes; during a rotation with both, one a line")
	service := flags.String("complete", "", "URL of the service, e.g. http://127.0.0.1:7480, to complete hooks there; empty: only print")
	result := flags.String("result", "CONTINUE", "what hooks are completed with: CONTINUE or ABANDON")
	after := flags.Duration("after", 0, "time that the work takes which the hooks are for; at most 8s")
	if err := flags.Parse(args); err != nil {
		return err
	}
	secrets, err := readSecrets(*secretFile, *secret)
	if err != nil {
		return err
	}
	r := &receiver{secrets: secrets, now: time.Now, print: func(e event) { log.Print(e) }}
	switch {
	case *result != "CONTINUE" && *result != "ABANDON":
		return fmt.Errorf("--result is %q, not CONTINUE or ABANDON", *result)
	case *after < 0 || *after > 8*time.Second:
		// Who takes longer answers at once, does the work, and then completes the hook.
		return fmt.Errorf("--after is %s: an attempt to deliver lasts 10 s", *after)
	case *service != "":
		r.completer = &completer{service: strings.TrimSuffix(*service, "/"), result: *result, after: *after, http: &http.Client{Timeout: 5 * time.Second}}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server := &http.Server{
		Addr: *listen, Handler: r,
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
		return nil, errors.New("--secret or --secret-file has to hold the target's signing secret")
	}
	return secrets, nil
}
