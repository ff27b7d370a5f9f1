package fsm

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// TestRecordsComeOutOfAnEntryAsTheyWentIn puts random records, with strings that
// repeat within and between them, into one entry.
func TestRecordsComeOutOfAnEntryAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		var changes []change
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			k := kind(rapid.IntRange(1, int(kindCount)-1).Draw(t, "kind"))
			record := newRecord(k)
			fill(r, record, 0.5)
			c := change{key: recordKey{kind: k}, op: opPut, record: record}
			changes = append(changes, c, c)
			changes = append(changes, change{key: recordKey{k, key{a: "a-group", b: "a-group", n: 7}}, op: opDelete})
		}
		entry, err := encodeEntry(position{1, 1}, position{1, 2}, 3, changes)
		if err != nil {
			t.Fatal(err)
		}
		again, err := encodeEntry(position{1, 1}, position{1, 2}, 3, changes)
		if err != nil || !bytes.Equal(entry, again) {
			t.Fatalf("the same changes are encoded in other bytes: %v", err)
		}
		_, decoded := decodeEntry(t, entry)
		for i, c := range changes {
			if c.op == opDelete {
				if decoded[i].key != c.key {
					t.Fatalf("key %+v is decoded as %+v", c.key, decoded[i].key)
				}
				continue
			}
			// What the plain encoding gives back tells nil from empty alike.
			plain, err := appendRecord(nil, c.key.kind, c.record, nil)
			if err != nil {
				t.Fatal(err)
			}
			var d decoder
			expected, _, err := d.record(plain, c.key.kind)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded[i].record, expected) {
				t.Fatalf("%s %+v\nis decoded as %+v", c.key.kind, expected, decoded[i].record)
			}
		}
	})
}

func TestRepeatedStringIsWrittenOnceInAnEntry(t *testing.T) {
	const message = "a message of some length that both events have"
	put := func(n uint64) change {
		return change{key: recordKey{kindEvent, key{n: n}}, op: opPut, record: &autoscaling.Event{Index: n, Message: message, GroupID: "ab", Subject: "ab"}}
	}
	entry, err := encodeEntry(position{}, position{1, 1}, 1, []change{put(1), put(2)})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(entry, []byte(message)); n != 1 {
		t.Errorf("the message is in the entry %d times", n)
	}
	if n := bytes.Count(entry, []byte("ab")); n != 4 {
		t.Errorf("a string that is no longer than a number is in the entry %d times", n)
	}
}

func TestStringNumberIsRefusedUnlessTheStringCameBefore(t *testing.T) {
	node := []byte{majorMap | 1, 1, 0} // its id is string number 0
	var d decoder
	if _, _, err := d.record(node, kindNode); !errors.Is(err, errType) {
		t.Errorf("outside of an entry the error is %v", err)
	}
	d.beginTable()
	if _, _, err := d.record(node, kindNode); !errors.Is(err, errReference) {
		t.Errorf("the error is %v", err)
	}
	first := appendText([]byte{majorMap | 1, 1}, strings.Repeat("x", longestTabled))
	if _, _, err := d.record(first, kindNode); err != nil {
		t.Fatal(err)
	}
	if record, _, err := d.record(node, kindNode); err != nil || len(record.(*autoscaling.Node).ID) != longestTabled {
		t.Errorf("%+v, %v", record, err)
	}
	d.endTable()
	d.beginTable()
	if _, _, err := d.record(node, kindNode); !errors.Is(err, errReference) {
		t.Errorf("a string of another entry is known: %v", err)
	}
}
