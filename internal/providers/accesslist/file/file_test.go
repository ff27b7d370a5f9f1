package file_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/accesslist/file"
	"github.com/asctl/as/internal/providers/contracttest"
)

func open(t *testing.T, config file.Config) *file.Lists {
	t.Helper()
	l, err := file.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestContract(t *testing.T) {
	contracttest.AccessList(t, func(t *testing.T) contracttest.AccessListFixture {
		directory := t.TempDir()
		return contracttest.AccessListFixture{
			Provider:  open(t, file.Config{Directory: directory}),
			List:      "database",
			OtherList: "cache",
			Entries:   func(t *testing.T, list string) []providers.Entry { return parse(t, directory, list) },
			Reopen: func(t *testing.T) providers.AccessList {
				return open(t, file.Config{Directory: directory})
			},
		}
	})
}

func parse(t *testing.T, directory, list string) []providers.Entry {
	t.Helper()
	var entries []providers.Entry
	for line := range strings.Lines(read(t, directory, list)) {
		address, instance, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " # ")
		if !ok {
			t.Fatalf("line %q is not an entry", line)
		}
		entries = append(entries, providers.Entry{Address: address, Instance: instance})
	}
	return entries
}

func read(t *testing.T, directory, list string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(directory, list+".txt"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}

func fence(epoch uint64) providers.Fence {
	return providers.Fence{Cluster: "test", Incarnation: "first", Epoch: epoch}
}

var two = []providers.Entry{{Address: "10.0.0.10", Instance: "i-b"}, {Address: "10.0.0.9", Instance: "i-a"}}

func set(t *testing.T, l *file.Lists, epoch uint64, list string, entries []providers.Entry) {
	t.Helper()
	if err := l.SetEntries(t.Context(), fence(epoch), list, entries); err != nil {
		t.Fatal(err)
	}
}

func wantClass(t *testing.T, err error, class providers.Class, words ...string) {
	t.Helper()
	if err == nil || providers.ClassOf(err) != class {
		t.Fatalf("error %v is %s, want %s", err, providers.ClassOf(err), class)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

func TestFileIsExactlyTheSortedEntries(t *testing.T) {
	directory := t.TempDir()
	l := open(t, file.Config{Directory: directory})
	set(t, l, 1, "web", append([]providers.Entry{{Address: "2001:db8::1", Instance: "i-c"}, two[1]}, two...))
	want := "10.0.0.9 # i-a\n10.0.0.10 # i-b\n2001:db8::1 # i-c\n"
	if got := read(t, directory, "web"); got != want {
		t.Errorf("file %q, want %q", got, want)
	}
	stat, err := os.Stat(filepath.Join(directory, "web.txt"))
	if err != nil || stat.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("mode %v, %v: others cannot read the list", stat.Mode(), err)
	}
	set(t, l, 1, "web", nil)
	if got := read(t, directory, "web"); got != "" {
		t.Errorf("file %q, want it empty", got)
	}
}

func TestUnchangedFileIsLeftAloneAHandEditIsReplaced(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "web.txt")
	l := open(t, file.Config{Directory: directory})
	set(t, l, 1, "web", two)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	set(t, l, 2, "web", two)
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("an unchanged list was written again (%v)", err)
	}
	content := read(t, directory, "web")
	for name, edit := range map[string]func() error{
		"line added": func() error { return os.WriteFile(path, []byte(content+"10.9.9.9 # mine\n"), 0o644) },
		"emptied":    func() error { return os.Truncate(path, 0) },
		"deleted":    func() error { return os.Remove(path) },
	} {
		if err := edit(); err != nil {
			t.Fatal(err)
		}
		set(t, l, 2, "web", two)
		if got := read(t, directory, "web"); got != content {
			t.Errorf("%s: file %q, want ours again", name, got)
		}
	}
}

func TestNamesCannotLeaveTheDirectory(t *testing.T) {
	l := open(t, file.Config{Directory: t.TempDir()})
	for _, name := range []string{"", "../web", "a/b", "/etc/passwd", "Web", "web.", "-web", "web-", ".web", "web\n", strings.Repeat("a", 64)} {
		wantClass(t, l.CheckList(t.Context(), name), providers.InvalidConfiguration)
		wantClass(t, l.SetEntries(t.Context(), fence(1), name, nil), providers.InvalidConfiguration)
	}
}

func TestBadEntriesAreRefusedAndChangeNothing(t *testing.T) {
	directory := t.TempDir()
	l := open(t, file.Config{Directory: directory})
	set(t, l, 1, "web", two)
	before := read(t, directory, "web")
	for _, bad := range []providers.Entry{
		{Address: "10.0.0", Instance: "i-a"},
		{Address: "10.0.0.1\n0.0.0.0", Instance: "i-a"},
		{Address: "fe80::1%eth0", Instance: "i-a"},
		{Address: "10.0.0.1", Instance: "i-a\n0.0.0.0 # all"},
		{Address: "10.0.0.1"},
	} {
		wantClass(t, l.SetEntries(t.Context(), fence(1), "web", []providers.Entry{bad}), providers.InvalidConfiguration, "web")
	}
	if read(t, directory, "web") != before {
		t.Error("a refused set changed the file")
	}
}

func TestCheckListSaysWhyItCannotBeWritten(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "lists")
	l := open(t, file.Config{Directory: directory})
	if err := l.CheckList(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 0 {
		t.Errorf("the check left %v behind (%v)", left, err)
	}
	if err := os.Mkdir(filepath.Join(directory, "web.txt"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantClass(t, l.CheckList(t.Context(), "web"), providers.Conflict, "web.txt", "not a file")
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	wantClass(t, l.CheckList(t.Context(), "web"), providers.Unavailable, directory)
	wantClass(t, l.SetEntries(t.Context(), fence(1), "web", two), providers.Unavailable, directory)
}

func TestNewIncarnationStartsItsEpochsOver(t *testing.T) {
	l := open(t, file.Config{Directory: t.TempDir()})
	set(t, l, 9, "web", two)
	restored := providers.Fence{Cluster: "test", Incarnation: "second", Epoch: 2}
	if err := l.SetEntries(t.Context(), restored, "web", nil); err != nil {
		t.Fatal(err)
	}
	restored.Epoch = 1
	wantClass(t, l.SetEntries(t.Context(), restored, "web", two), providers.StaleEpoch)
}

func TestReloadRunsAfterAChangeOnly(t *testing.T) {
	directory := t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	l := open(t, file.Config{Directory: directory, ReloadCommand: file.ShellCommand(`echo "$AS_LIST $(wc -l < "$AS_LIST_FILE")" >> ` + log)})
	set(t, l, 1, "web", two)
	set(t, l, 1, "web", two)
	set(t, l, 1, "web", two[:1])
	got, err := os.ReadFile(log)
	if err != nil || string(got) != "web 2\nweb 1\n" {
		t.Errorf("reloads %q (%v), want one after each change", got, err)
	}
}

func TestFailedReloadIsAnErrorUntilItWorked(t *testing.T) {
	directory := t.TempDir()
	fixed := filepath.Join(t.TempDir(), "fixed")
	command := file.ShellCommand(`echo "line 3: no such table" >&2; test -e ` + fixed)
	l := open(t, file.Config{Directory: directory, ReloadCommand: command})
	wantClass(t, l.SetEntries(t.Context(), fence(1), "web", two), providers.Failed, "web", "no such table", "exit status 1")
	if got := len(parse(t, directory, "web")); got != 2 {
		t.Errorf("%d entries written", got)
	}
	// Another node finds the file right and the reload due.
	next := open(t, file.Config{Directory: directory, ReloadCommand: command})
	wantClass(t, next.SetEntries(t.Context(), fence(2), "web", two), providers.Failed, "no such table")
	if err := os.WriteFile(fixed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	set(t, next, 2, "web", two)
	if err := os.Remove(fixed); err != nil {
		t.Fatal(err)
	}
	set(t, next, 2, "web", two) // nothing is due any more
}

func TestReloadThatHangsIsEnded(t *testing.T) {
	l := open(t, file.Config{
		Directory:     t.TempDir(),
		ReloadCommand: file.ShellCommand("echo waiting; sleep 60 & sleep 60"),
		ReloadTimeout: 100 * time.Millisecond,
	})
	begin := time.Now()
	wantClass(t, l.SetEntries(t.Context(), fence(1), "web", two), providers.Failed, "waiting", "100ms")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestHeldLockIsWaitedForWithinTheContext(t *testing.T) {
	directory := t.TempDir()
	hold := filepath.Join(t.TempDir(), "hold")
	l := open(t, file.Config{Directory: directory, ReloadCommand: file.ShellCommand("touch " + hold + "; sleep 0.5")})
	done := make(chan error)
	go func() { done <- l.SetEntries(t.Context(), fence(1), "web", two) }()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(time.Millisecond) {
		if _, err := os.Stat(hold); err == nil {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantClass(t, l.SetEntries(ctx, fence(1), "web", nil), providers.Unavailable, "web.lock")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := len(parse(t, directory, "web")); got != 2 {
		t.Errorf("%d entries, want the two of the call that worked", got)
	}
}
