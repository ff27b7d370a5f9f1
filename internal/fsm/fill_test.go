package fsm

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"unsafe"
)

// fill sets the fields of the struct that v points to at random, each with the
// given chance; 1 fills everything.
func fill(r *rand.Rand, v any, chance float64) {
	fillValue(r, reflect.ValueOf(v).Elem(), chance)
}

func fillValue(r *rand.Rand, v reflect.Value, chance float64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if r.Float64() < chance {
				fillValue(r, v.Field(i), chance)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(r, v.Elem(), chance)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(3), 4))
		for i := range v.Len() {
			fillValue(r, v.Index(i), chance)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fillValue(r, key, chance)
			fillValue(r, value, chance)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		words := []string{"web", "default", "10.0.0.7", "\xff not UTF-8", fmt.Sprintf("%0*x", 1+r.IntN(40), r.Uint32()), string(make([]byte, 300))}
		v.SetString(words[r.IntN(len(words))])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt((r.Int64() - r.Int64()) >> (r.IntN(int(v.Type().Size()*8)) + 64 - int(v.Type().Size()*8)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (r.IntN(int(v.Type().Size()*8)) + 64 - int(v.Type().Size()*8)))
	case reflect.Float64:
		v.SetFloat([]float64{0.5, 80, 1e300, 0.1, -3}[r.IntN(5)])
	default:
		panic("fill does not know " + v.Type().String())
	}
}

func stringData(s string) *byte { return unsafe.StringData(s) }
