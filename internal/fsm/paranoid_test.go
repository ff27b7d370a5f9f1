package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestParanoidMachineNoticesAChangedRecord(t *testing.T) {
	for name, change := range map[string]func(l *leader, uid autoscaling.UID){
		"by the function that put it": func(l *leader, uid autoscaling.UID) {
			l.do(func(tx *Tx) {
				i := serving(uid, "i-2")
				tx.PutInstance(i)
				i.StatusReason = "changed"
			})
		},
		"from a view": func(l *leader, uid autoscaling.UID) {
			l.m.View().FindInstance("i-1").Addresses[0] = "10.0.0.9"
			for range watchedRecords/watchedPerSeal + 2 {
				l.do(func(tx *Tx) { tx.Emit(autoscaling.Event{}) })
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLeader(t)
			l.m.Paranoid()
			uid := l.putGroup("web")
			l.do(func(tx *Tx) { tx.PutInstance(serving(uid, "i-1")) })
			for n := range 1000 { // so that it is one of many
				l.do(func(tx *Tx) { tx.PutNode(&autoscaling.Node{ID: fmt.Sprint(n % 10)}) })
			}
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "was changed after it was put") {
					t.Errorf("panic is %v", p)
				}
			}()
			change(l, uid)
		})
	}
}
