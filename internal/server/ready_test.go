package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// readyz is what /readyz?verbose of a node shows, its status first.
func readyz(c Config) (string, error) {
	answer, err := http.Get("http://" + c.HTTPAddr + "/readyz?verbose")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return fmt.Sprintf("%d\n%s", answer.StatusCode, text), err
}

func waitForReadyz(t *testing.T, c Config, is func(text string) bool) {
	t.Helper()
	var text string
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, err = readyz(c); err == nil && is(text) {
			return
		}
	}
	t.Fatalf("/readyz shows %q, %v", text, err)
}

// A node that cannot serve a pool of its configuration is not ready, says which
// pool and why, and is ready when the address is free.
func TestReadyNamesThePoolThatIsNotServed(t *testing.T) {
	c := dev(t)
	address := c.Providers.Balancer["edge"].Builtin.Pools["web"].Listen
	other, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	run(t, c)
	waitForReadyz(t, c, func(text string) bool {
		return strings.HasPrefix(text, "503\n") && strings.Contains(text, "[+] leader ok\n") &&
			strings.Contains(text, "[-] pools: pool edge/web is not served: listen tcp "+address+": bind: address already in use\n")
	})
	other.Close()
	waitForReadyz(t, c, func(text string) bool {
		return strings.HasPrefix(text, "200\n") && strings.Contains(text, "[+] pools ok\n")
	})
}
