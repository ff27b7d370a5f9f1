package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/asctl/as/internal/bubble"
)

func TestVerificationIsSharedButNeverWithOneUnderWay(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		rounds := 0
		gate := make(chan error)
		v := newVerifier(func() error { rounds++; return <-gate })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go v.run(ctx)

		first := v.join()
		synctest.Wait() // it is under way
		second, third := v.join(), v.join()
		if second == first || third != second {
			t.Fatal("who came later shares the wrong round")
		}
		gate <- nil
		if err := first.wait(ctx, nil); err != nil {
			t.Error(err)
		}
		if isDone(second.done) {
			t.Error("the second round ended with the first")
		}
		lost := errors.New("lost")
		gate <- lost
		if err := second.wait(ctx, nil); err != lost {
			t.Errorf("answer %v", err)
		}
		if rounds != 2 {
			t.Errorf("%d rounds", rounds)
		}
	})
}

func TestNoVerificationIsLeftWithoutAnAnswer(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		v := newVerifier(func() error { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		go v.run(ctx)
		synctest.Wait()
		cancel()
		synctest.Wait()
		for range 2 {
			if err := v.join().wait(t.Context(), nil); err == nil {
				t.Error("verified after the end")
			}
		}
	})
}
