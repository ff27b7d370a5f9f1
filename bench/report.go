package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// report gathers what was measured.
type report struct {
	Start time.Time `json:"start"`
	Rows  []row     `json:"rows"`
}

// row is one figure. Floors have no commitment.
type row struct {
	Goal    string    `json:"goal"`
	What    string    `json:"what"`
	Unit    string    `json:"unit"`
	Ours    float64   `json:"ours"` // median
	OurRuns []float64 `json:"ourRuns,omitempty"`
	Peer    float64   `json:"peer,omitempty"` // median; 0: no peer
	Peers   []float64 `json:"peerRuns,omitempty"`
	Ratio   float64   `json:"ratio,omitempty"` // median of the ratios run by run
	Commit  string    `json:"commit,omitempty"`
	Met     *bool     `json:"met,omitempty"` // nil: not decidable in this run
}

// add appends a figure. met judges it (the ratio is 0 without a peer).
func (r *report) add(x row, met func(ours, ratio float64) bool) {
	x.Ours = median(x.OurRuns)
	if len(x.Peers) > 0 {
		x.Peer = median(x.Peers)
		var ratios []float64
		for i := range min(len(x.Peers), len(x.OurRuns)) {
			ratios = append(ratios, x.OurRuns[i]/x.Peers[i])
		}
		x.Ratio = median(ratios)
	}
	if met != nil {
		verdict := met(x.Ours, x.Ratio)
		x.Met = &verdict
	}
	r.Rows = append(r.Rows, x)
}

func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s, %d cores, %s\n\n", r.Start.Format(time.DateTime), runtime.NumCPU(), runtime.Version())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "goal\twhat\tours\tpeer\tratio\tcommit to\tmet")
	for _, x := range r.Rows {
		peer, ratio, met := "-", "-", ""
		if x.Peer != 0 {
			peer, ratio = figure(x.Peer), fmt.Sprintf("%.2f", x.Ratio)
		}
		if x.Met != nil {
			met = map[bool]string{true: "yes", false: "NO"}[*x.Met]
		}
		fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\n", x.Goal, x.What, figure(x.Ours), x.Unit, peer, ratio, x.Commit, met)
	}
	w.Flush()
}

func (r *report) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, r.Start.UTC().Format("20060102-150405")+".json")
	fmt.Fprintln(os.Stderr, "written to", name)
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

func figure(x float64) string {
	switch {
	case x >= 1000:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.3f", x)
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(xs))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
