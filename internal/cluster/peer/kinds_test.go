package peer

import (
	"bytes"
	"context"
	"net"
	"reflect"
	"testing"
	"time"
)

// Each field of a request is a kind of its own, with a bound.
func TestEveryRequestIsWrittenAndRead(t *testing.T) {
	typ := reflect.TypeFor[request]()
	for i := range typ.NumField() {
		req := new(request)
		f := reflect.ValueOf(req).Elem().Field(i)
		switch f.Kind() {
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Bool:
			f.SetBool(true)
		default:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		}
		var b bytes.Buffer
		got := new(request)
		if err := writeMessage(&b, req); err != nil {
			t.Errorf("%s: %v", typ.Field(i).Name, err)
		} else if err := readMessage(&b, got); err != nil || !reflect.DeepEqual(got, req) {
			t.Errorf("%s: %+v, %v", typ.Field(i).Name, got, err)
		}
	}
}

// A request that is not written gets no response, and takes none of another one.
func TestARequestThatIsTooLargeTakesNoOthersResponse(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		for {
			req := new(request)
			if readMessage(far, req) != nil || writeMessage(far, &response{Pong: &State{Term: 7}}) != nil {
				return
			}
		}
	}()
	c := newConn(near)
	defer c.close()
	if _, err := c.call(context.Background(), time.Second, &request{Parcel: make([]byte, 2<<20)}); err == nil {
		t.Error("a parcel of 2 MiB was sent")
	}
	res, err := c.call(context.Background(), 10*time.Second, &request{Ping: &ping{}})
	if err != nil || res.Pong == nil || res.Pong.Term != 7 {
		t.Errorf("%+v, %v", res, err)
	}
}
