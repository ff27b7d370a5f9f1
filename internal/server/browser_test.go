package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The reproduction of the review, on a --dev node with its real listener: what a
// page of another site sends through the operator's browser makes nothing, and a
// name that was pointed at the node reads nothing.
func TestADevNodeRefusesOtherSites(t *testing.T) {
	c := dev(t)
	c.HTTPHosts = []string{"as.example.net"}
	run(t, c)
	send := func(method, path, host, body string, header ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+c.HTTPAddr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	const collection = "/v1/namespaces/default/configurations"
	const body = `{"provider":"local","command":["/bin/sh","-c","id > pwned"],"ports":[1]}`
	for _, host := range []string{"rebind.evil.example:7480", c.HTTPAddr} {
		code, text := send("POST", collection+"?configurationId=evil", host, body, "Origin", "http://evil.example", "Content-Type", "text/plain")
		if code != http.StatusForbidden || !strings.Contains(text, "PERMISSION_DENIED") {
			t.Errorf("Host %s: %d %s", host, code, text)
		}
	}
	if code, text := send("GET", collection, "rebind.evil.example:7480", ""); code != http.StatusForbidden {
		t.Errorf("a rebound name reads: %d %s", code, text)
	}
	for _, host := range []string{c.HTTPAddr, "as.example.net:8443"} {
		if code, text := send("GET", collection, host, ""); code != http.StatusOK || strings.Contains(text, "evil") {
			t.Errorf("Host %s: %d %s", host, code, text)
		}
	}
	if code, text := send("POST", collection+"?configurationId=good", c.HTTPAddr, body, "Content-Type", "application/x-www-form-urlencoded"); code != http.StatusOK {
		t.Errorf("a program's request: %d %s", code, text)
	}
}
