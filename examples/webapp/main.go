// Command as-webapp is the small HTTP server that the examples scale: every
// request to / burns some CPU, so that load is something that a metric sees.
//
//	AS_ADDRESS, PORT   where to listen (given by the service)
//	AS_INSTANCE        shown in the answers
//	WORK               CPU time burnt by each request, default 5ms
//	START_DELAY        time before it listens, default 0
//
// On SIGTERM it finishes what it has begun and ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
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
	work, err := duration("WORK", 5*time.Millisecond)
	if err != nil {
		return err
	}
	delay, err := duration("START_DELAY", 0)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		burn(work)
		fmt.Fprintln(w, os.Getenv("AS_INSTANCE"))
	})
	server := &http.Server{
		Addr:              net.JoinHostPort(os.Getenv("AS_ADDRESS"), os.Getenv("PORT")),
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	log.Printf("listening on %s", server.Addr)

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.Print("stopping")
	finish, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func duration(name string, otherwise time.Duration) (time.Duration, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s=%q is not a duration such as 5ms", name, text)
	}
	return d, nil
}

// burn keeps one core busy: the point is to use CPU, not to wait.
func burn(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}
