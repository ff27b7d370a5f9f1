package autoscaling

import (
	"reflect"
	"testing"
)

// records are the kinds of records that the state holds.
var records = []any{
	Cluster{}, Node{}, ProviderStore{}, Orphan{}, Request{}, Configuration{}, ConfigurationVersion{}, Group{}, Rule{}, AlarmTask{},
	ScheduledTask{}, LifecycleHook{}, Notification{}, NotificationTarget{}, Delivery{}, Instance{}, Activity{}, Event{}, Released{},
}

func TestEveryTimeInARecordHasAClass(t *testing.T) {
	classes := map[TimeClass]bool{TimeHistory: true, TimeGiven: true, TimeSince: true, TimeDeadline: true, TimeCursor: true, TimeExpiry: true}
	found := 0
	seen := map[reflect.Type]bool{}
	var look func(typ reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			look(typ.Elem())
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for n := range typ.NumField() {
				f := typ.Field(n)
				if f.Type != timeType {
					look(f.Type)
					continue
				}
				if found++; !classes[TimeClass(f.Tag.Get("time"))] {
					t.Errorf("%s.%s needs a tag `time` that says what becomes of it when replicated time is set back: see TimeClass", typ, f.Name)
				}
			}
		}
	}
	for _, r := range records {
		look(reflect.TypeOf(r))
	}
	if found < 50 {
		t.Errorf("only %d times were found", found)
	}
}

func TestBeginningsAreClampedInACopy(t *testing.T) {
	was := &Instance{
		StateTime: 200, Deadline: 300, CreateTime: 50,
		Timeline: []TimelineEntry{{Time: 50}, {Time: 200}}, Waits: []HookWait{{StartTime: 90, Deadline: 300}},
	}
	is := ClampSince(was, 100)
	if is == was || is.StateTime != 100 || is.Deadline != 300 || is.CreateTime != 50 || is.Timeline[0].Time != 50 || is.Timeline[1].Time != 100 {
		t.Errorf("%+v", is)
	}
	if was.StateTime != 200 || was.Timeline[1].Time != 200 {
		t.Error("the record itself was changed")
	}
	if ClampSince(is, 100) != is {
		t.Error("a record without anything to clamp was copied")
	}
}
