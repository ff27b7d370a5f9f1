package output

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestAgesHaveTheUnitsThatMatter(t *testing.T) {
	now := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		ago  time.Duration
		want string
	}{
		{-time.Second, "0s"}, {0, "0s"}, {119 * time.Second, "119s"}, {2 * time.Minute, "2m0s"}, {200 * time.Second, "3m20s"},
		{10*time.Minute + 59*time.Second, "10m"}, {179 * time.Minute, "179m"}, {3*time.Hour + 5*time.Minute, "3h5m"}, {8*time.Hour + time.Minute, "8h"},
		{47 * time.Hour, "47h"}, {48 * time.Hour, "2d"}, {400 * 24 * time.Hour, "400d"},
	} {
		if got := Age(timestamppb.New(now.Add(-test.ago)), now); got != test.want {
			t.Errorf("%s ago: %s, want %s", test.ago, got, test.want)
		}
	}
	if Age(nil, now) != "" || Until(timestamppb.New(now), now) != "" || Until(timestamppb.New(now.Add(90*time.Second)), now) != "90s" {
		t.Error("no time and times past are nothing")
	}
}

func TestJSONDoesNotChangeFromRunToRun(t *testing.T) {
	g := &pb.Group{Name: "g", MinSize: proto.Int32(0), Labels: map[string]string{"b": "2", "a": "1"}}
	for range 20 {
		var b bytes.Buffer
		if err := (Printer{Out: &b, Format: JSON}).One(g, nil); err != nil {
			t.Fatal(err)
		}
		if want := "{\n  \"name\": \"g\",\n  \"labels\": {\n    \"a\": \"1\",\n    \"b\": \"2\"\n  },\n  \"minSize\": 0\n}\n"; b.String() != want {
			t.Fatalf("%s", b.String())
		}
	}
}

func TestRowsHaveAsManyWordsAsTheTitle(t *testing.T) {
	columns := []Column{Col("NAME", func(g *pb.Group) string { return g.Name }), Col("ARI", func(g *pb.Group) string { return g.Ari }), InWide(Col("UID", func(g *pb.Group) string { return g.Uid }))[0]}
	var b bytes.Buffer
	items := []proto.Message{&pb.Group{Name: "longer-name"}, &pb.Group{Ari: "x", Uid: "u"}}
	if err := (Printer{Out: &b, Format: Table}).List(nil, items, columns); err != nil {
		t.Fatal(err)
	}
	if want := "NAME          ARI\nlonger-name   -\n-             x\n"; b.String() != want {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	if err := (Printer{Out: &b, Format: Wide, NoHeader: true}).List(nil, items[1:], columns); err != nil || b.String() != "-   x   u\n" {
		t.Errorf("%v %s", err, b.String())
	}
}

func TestProgressOffATerminalIsALinePerChange(t *testing.T) {
	var b bytes.Buffer
	p := &Progress{Out: &b}
	for _, percent := range []int{0, 0, 50, 50, 100} {
		p.Show("web/1", percent, "running")
	}
	p.Done()
	if want := "web/1 0% running\nweb/1 50% running\nweb/1 100% running\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestStepsTakeAsExactlyAsItMatters(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 12400 * time.Microsecond: "12ms", 1254 * time.Millisecond: "1.25s", 59 * time.Second: "59s", 200 * time.Second: "3m20s", 26 * time.Hour: "26h",
	} {
		if got := Took(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
