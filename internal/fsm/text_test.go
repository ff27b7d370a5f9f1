package fsm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/autoscaling/text"
)

// badTexts returns the strings of a record that are not text, by reflection and
// not by plan.
func badTexts(record any) []string {
	var found []string
	var walk func(path string, lines bool, v reflect.Value)
	walk = func(path string, lines bool, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			check := text.CheckLine
			if lines {
				check = text.CheckLines
			}
			if err := check(v.String()); err != nil {
				found = append(found, fmt.Sprintf("%s: %v", path, err))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				f := v.Type().Field(i)
				walk(path+"."+f.Name, f.Tag.Get("text") == "lines", v.Field(i))
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(path, lines, v.Elem())
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				return // bytes
			}
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), lines, v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(path+" key", false, k)
				walk(path+"["+k.String()+"]", lines, v.MapIndex(k))
			}
		}
	}
	walk("", false, reflect.ValueOf(record))
	return found
}

func TestWhateverIsPutTheStateHoldsText(t *testing.T) {
	bad := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		for k := kindCluster; k < kindCount; k++ {
			record := newRecord(k)
			fill(r, record, 1)
			bad += len(badTexts(record))
		}
		l := newLeader(t)
		kept := 0
		l.do(func(tx *Tx) { putEachKind(tx, r) })
		for k, record := range l.m.View().st.records() {
			for _, why := range badTexts(record) {
				t.Errorf("%s%s", k, why)
			}
			kept++
		}
		if kept < int(kindCount)-1 {
			t.Fatalf("the state has %d records, and there are %d kinds", kept, kindCount-1)
		}
		if follower := replay(t, l.log); !bytes.Equal(snapshotOf(t, follower), snapshotOf(t, l.m)) {
			t.Fatal("a follower has another state than the leader")
		}
	}
	if bad == 0 {
		t.Fatal("the test puts nothing that has to be repaired")
	}
}

// TestOldStatesWithBadTextAreRead reads the files of version 1, which have it, and
// finds what they delete again.
func TestOldStatesWithBadTextAreRead(t *testing.T) {
	written := 0
	_, changes := decodeEntry(t, golden(t, goldenPuts))
	for _, c := range changes {
		written += len(badTexts(c.record))
	}
	if written == 0 {
		t.Fatal("the golden entry has no bad text: it must not be written anew")
	}
	fromLog := NewMachine()
	applyEntry(t, fromLog, golden(t, goldenPuts))
	for name, m := range map[string]*Machine{"log": fromLog, "snapshot": restored(t, golden(t, goldenSnapshot))} {
		for k, record := range m.View().st.records() {
			for _, why := range badTexts(record) {
				t.Errorf("from the %s: %s%s", name, k, why)
			}
		}
	}
}

// TestOldRecordWithABadKeyIsDeleted: what an older leader wrote under a key that is
// not text is found under the repaired key.
func TestOldRecordWithABadKeyIsDeleted(t *testing.T) {
	const bad = "a\x00b\xff"
	m := NewMachine()
	entry, err := encodeEntry(position{}, position{1, 1}, 1, []change{{
		key: recordKey{kindRequest, key{a: "default", b: bad}}, op: opPut,
		record: &autoscaling.Request{Namespace: "default", ID: bad, Name: "x\ny"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	applyEntry(t, m, entry)
	if r := m.View().Request("default", `a\x00b\xff`); r == nil || r.Name != "x y" {
		t.Fatalf("the request is %+v", r)
	}
	if entry, err = encodeEntry(position{1, 1}, position{1, 2}, 2, []change{{
		key: recordKey{kindRequest, key{a: "default", b: bad}}, op: opDelete,
	}}); err != nil {
		t.Fatal(err)
	}
	if r := m.Apply(&raft.Log{Type: raft.LogCommand, Data: entry}).(Result); r.Err != nil || r.Skipped {
		t.Fatal(r)
	}
	if r := m.View().Request("default", `a\x00b\xff`); r != nil {
		t.Errorf("it is still there: %+v", r)
	}
}

func TestSeveralLinesStayWhereAFieldHasThem(t *testing.T) {
	l := newLeader(t)
	script := "#!/bin/sh\necho \"größe\"\n"
	l.do(func(tx *Tx) {
		uid := tx.NewUID()
		tx.PutConfiguration(&autoscaling.Configuration{Meta: autoscaling.Meta{UID: uid, Namespace: "default", ID: "web"}})
		tx.PutConfigurationVersion(&autoscaling.ConfigurationVersion{Configuration: uid, Version: 1, Template: autoscaling.Template{
			UserData: script, Args: []string{"-c", script}, Env: map[string]string{"SCRIPT": script}, Labels: map[string]string{"note": script},
		}})
	})
	for _, m := range []*Machine{l.m, replay(t, l.log), restored(t, snapshotOf(t, l.m))} {
		for k, record := range m.View().st.records() {
			if v, ok := record.(*autoscaling.ConfigurationVersion); ok {
				if got := v.Template; got.UserData != script || got.Args[1] != script || got.Env["SCRIPT"] != script {
					t.Errorf("%s: %+v", k, got)
				}
				if got, want := v.Template.Labels["note"], `#!/bin/sh echo "größe"`; got != want {
					t.Errorf("the label is %q, expected %q", got, want)
				}
			}
		}
	}
}

// BenchmarkRepairTexts is what every put pays, for a record without bad text.
func BenchmarkRepairTexts(b *testing.B) {
	i := typical("0197c3a4-0000-7000-8000-000000000001", 4711)
	for b.Loop() {
		repairTexts(kindInstance, i)
	}
}
