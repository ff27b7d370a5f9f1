package rpc

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// registerOperational adds what those who run the server look at.
func (s *Server) registerOperational(mux *http.ServeMux, gatherer prometheus.Gatherer) {
	mux.HandleFunc("GET /livez", checks(s.live))
	mux.HandleFunc("GET /readyz", checks(s.ready))
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(pb.OpenAPI) // the caller went away: nobody is left to tell
	})
	if gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	}
}

// checks answers 200 when all is well and 503 when something is not; with
// ?verbose a line for each part, without it the parts that are not well.
func checks(look func() []Check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var all []Check
		if look != nil {
			all = look()
		}
		code := http.StatusOK
		for _, c := range all {
			if c.Problem != "" {
				code = http.StatusServiceUnavailable
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		_, verbose := r.URL.Query()["verbose"]
		for _, c := range all {
			switch {
			case c.Problem != "":
				fmt.Fprintf(w, "[-] %s: %s\n", c.Name, c.Problem)
			case verbose:
				fmt.Fprintf(w, "[+] %s ok\n", c.Name)
			}
		}
		if code == http.StatusOK {
			fmt.Fprintln(w, "ok")
		} else {
			fmt.Fprintln(w, "not ok")
		}
	}
}
