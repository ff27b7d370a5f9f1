package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestCommittedDocumentsAreWhatTheTableSays(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("../../../docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/%s is not what the lifecycle's table generates: run tools/generate.sh", name)
		}
	}
}

func TestPictureIsXMLAndHasEveryStateAndTransition(t *testing.T) {
	svg := picture()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range autoscaling.Lifecycle {
		if _, placed := corner[r.State]; !placed {
			t.Errorf("%s has no place in the picture", r.State)
		}
		for _, e := range r.Exits {
			if !strings.Contains(svg, "<title>"+r.State.String()+" → "+e.To.String()+":") {
				t.Errorf("%s → %s is not in the picture", r.State, e.To)
			}
		}
	}
	for e := range routes {
		if !e.from.CanBecome(e.to) {
			t.Errorf("the picture has a route from %s to %s, which the table does not allow", e.from, e.to)
		}
	}
}
