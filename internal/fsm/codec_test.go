package fsm

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// TestPlansEncodeAndDecodeAsTheLibraryDoes compares with fxamacker/cbor, which
// reads the same tags, on random records of every kind.
func TestPlansEncodeAndDecodeAsTheLibraryDoes(t *testing.T) {
	for k := kindCluster; k < kindCount; k++ {
		t.Run(k.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				record := newRecord(k)
				fill(r, record, rapid.SampledFrom([]float64{0.1, 0.5, 1}).Draw(t, "chance"))

				ours, err := appendRecord(nil, k, record, nil)
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := encMode.Marshal(record)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(ours, theirs) {
					t.Fatalf("%+v\nours   %x\ntheirs %x", record, ours, theirs)
				}

				var d decoder
				decoded, rest, err := d.record(append(ours, 0x99), k)
				if err != nil || len(rest) != 1 {
					t.Fatalf("rest %x, %v", rest, err)
				}
				expected := newRecord(k)
				if err := decMode.Unmarshal(theirs, expected); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(decoded, expected) {
					t.Fatalf("ours   %+v\ntheirs %+v", decoded, expected)
				}
				again, err := appendRecord(nil, k, decoded, nil)
				if err != nil || !bytes.Equal(again, theirs) {
					t.Fatalf("a decoded record encodes as %x, %v", again, err)
				}
			})
		})
	}
}

func TestNoRecordIsDecodedFromAPartOfItsBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for k := kindCluster; k < kindCount; k++ {
		record := newRecord(k)
		fill(r, record, 1)
		encoded, err := appendRecord(nil, k, record, nil)
		if err != nil {
			t.Fatal(err)
		}
		var d decoder
		for n := range encoded {
			if _, _, err := d.record(encoded[:n:n], k); err == nil {
				t.Fatalf("%s: %d of %d bytes are enough", k, n, len(encoded))
			}
		}
	}
}

func TestAnyBytesDecodeToARecordOrAnErrorWithoutPanicOrGreatMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := kind(rapid.IntRange(1, int(kindCount)-1).Draw(t, "kind"))
		record := newRecord(k)
		fill(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), record, 0.5)
		encoded, err := appendRecord(nil, k, record, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 4).Draw(t, "flips") {
			encoded[rapid.IntRange(0, len(encoded)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		var d decoder
		if record, _, err := d.record(encoded, k); err == nil {
			if _, err := appendRecord(nil, k, record, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestFieldOfANewerVersionIsRefused(t *testing.T) {
	newer, err := encMode.Marshal(struct {
		ID  string `cbor:"1,keyasint"`
		New int    `cbor:"99,keyasint"`
	}{"n1", 1})
	if err != nil {
		t.Fatal(err)
	}
	var d decoder
	_, _, err = d.record(newer, kindNode)
	var older *olderError
	if !errors.As(err, &older) {
		t.Errorf("error is %v", err)
	}
}

func TestRepeatedStringsAreKeptOnce(t *testing.T) {
	var c stringCache
	one, _ := c.of([]byte("default"))
	other, _ := c.of([]byte("default"))
	if reflect.ValueOf(&one).Elem().String() != "default" || stringData(one) != stringData(other) {
		t.Error("two strings for equal bytes")
	}
	for n := range 10_000 {
		b := []byte{byte(n), byte(n >> 8), 'x'}
		if s, sound := c.of(b); s != string(b) || sound != surelyText(s) {
			t.Fatal("another string than the bytes say")
		}
	}
}

// BenchmarkCodec compares plans with the library on one typical instance.
func BenchmarkCodec(b *testing.B) {
	i := typical("0197c3a4-0000-7000-8000-000000000001", 4711)
	encoded, err := appendRecord(nil, kindInstance, i, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode/plan", func(b *testing.B) {
		var to []byte
		for b.Loop() {
			to, _ = appendRecord(to[:0], kindInstance, i, nil)
		}
	})
	b.Run("encode/library", func(b *testing.B) {
		var to bytes.Buffer
		mode := must(cbor.CoreDetEncOptions().UserBufferEncMode())
		for b.Loop() {
			to.Reset()
			_ = mode.MarshalToBuffer(i, &to)
		}
	})
	b.Run("decode/plan", func(b *testing.B) {
		b.ReportAllocs()
		var d decoder
		for b.Loop() {
			if _, _, err := d.record(encoded, kindInstance); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode/library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := decMode.Unmarshal(encoded, new(autoscaling.Instance)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
