package control

import (
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// stateAt is a state whose time is moved by hand.
type stateAt struct {
	*fsm.Machine
	Now   autoscaling.Time
	t     *testing.T
	index uint64
}

func newState(t *testing.T) *stateAt {
	w := &stateAt{Machine: fsm.NewMachine(), Now: autoscaling.TimeOf(time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)), t: t}
	w.do(func(tx *fsm.Tx) {
		tx.PutCluster(&autoscaling.Cluster{ID: "c", Name: "test"})
		tx.PutGroup(&autoscaling.Group{Meta: autoscaling.Meta{UID: "g", Namespace: "default", ID: "g"}, GroupStatus: autoscaling.GroupStatus{State: autoscaling.GroupActive}})
	})
	return w
}

func (w *stateAt) do(fn func(tx *fsm.Tx)) {
	w.t.Helper()
	b := w.Begin(1, w.Now, nil)
	_ = b.Run(func(tx *fsm.Tx) error { fn(tx); return nil })
	entry, err := b.Seal()
	if err != nil {
		w.t.Fatal(err)
	}
	w.index++
	w.Apply(&raft.Log{Index: w.index, Term: 1, Type: raft.LogCommand, Data: entry})
}

// adapters adapt the kinds of records that have times to adapt.
var adapters = map[reflect.Type]func(c adaptClock, record any) any{
	reflect.TypeFor[autoscaling.Group]():              adapter(adaptGroup),
	reflect.TypeFor[autoscaling.AlarmTask]():          adapter(clamped[autoscaling.AlarmTask]),
	reflect.TypeFor[autoscaling.ScheduledTask]():      adapter(adaptScheduledTask),
	reflect.TypeFor[autoscaling.Instance]():           adapter(adaptInstance),
	reflect.TypeFor[autoscaling.Activity]():           adapter(clamped[autoscaling.Activity]),
	reflect.TypeFor[autoscaling.Request]():            adapter(clamped[autoscaling.Request]),
	reflect.TypeFor[autoscaling.Orphan]():             adapter(adaptOrphan),
	reflect.TypeFor[autoscaling.Released]():           adapter(clamped[autoscaling.Released]),
	reflect.TypeFor[autoscaling.NotificationTarget](): adapter(adaptTarget),
	reflect.TypeFor[autoscaling.Delivery]():           adapter(adaptDelivery),
	// These have history only.
	reflect.TypeFor[autoscaling.Cluster]():              nil,
	reflect.TypeFor[autoscaling.Node]():                 nil,
	reflect.TypeFor[autoscaling.ProviderStore]():        nil,
	reflect.TypeFor[autoscaling.Configuration]():        nil,
	reflect.TypeFor[autoscaling.ConfigurationVersion](): nil,
	reflect.TypeFor[autoscaling.Rule]():                 nil,
	reflect.TypeFor[autoscaling.LifecycleHook]():        nil,
	reflect.TypeFor[autoscaling.Notification]():         nil,
	reflect.TypeFor[autoscaling.Event]():                nil,
}

func adapter[T any](adapt func(adaptClock, *T) *T) func(adaptClock, any) any {
	return func(c adaptClock, record any) any { return adapt(c, record.(*T)) }
}

// Every time of every record that is far ahead becomes what its class says.
func TestTimesThatAreAheadAreAdaptedByTheirClass(t *testing.T) {
	w := newState(t)
	far := w.Now.Add(10 * 365 * 24 * time.Hour)
	for typ, adapt := range adapters {
		record := reflect.New(typ)
		fillTimes(record.Elem(), far)
		if s, ok := record.Interface().(*autoscaling.ScheduledTask); ok {
			s.Cron, s.StartTime, s.EndTime, s.Group = "* * * * *", 0, 0, "g"
		}
		if i, ok := record.Interface().(*autoscaling.Instance); ok {
			i.Group = "g"
		}
		c := adaptClock{Reader: w.View().Reader, now: w.Now}
		adapted := record.Interface()
		if adapt != nil {
			adapted = adapt(c, adapted)
			if again := adapt(c, adapted); again != adapted {
				t.Errorf("%s is adapted twice", typ)
			}
		}
		eachTime(reflect.ValueOf(adapted).Elem(), typ.Name(), func(name string, class autoscaling.TimeClass, is autoscaling.Time) {
			latest := far
			switch class {
			case autoscaling.TimeSince:
				latest = w.Now
			case autoscaling.TimeDeadline, autoscaling.TimeExpiry:
				latest = w.Now.Add(48 * time.Hour)
			case autoscaling.TimeCursor:
				latest = w.Now.Add(time.Minute)
			}
			if is > latest {
				t.Errorf("%s (%s) is %s, later than %s", name, class, is, latest)
			}
			if class == autoscaling.TimeHistory && is != far {
				t.Errorf("%s (%s) was changed to %s", name, class, is)
			}
		})
		eachTime(record.Elem(), typ.Name(), func(name string, class autoscaling.TimeClass, is autoscaling.Time) {
			if is != far && class != autoscaling.TimeGiven {
				t.Errorf("%s was changed in the record itself", name)
			}
		})
	}
}

// fillTimes sets all times, in one element of each list too.
func fillTimes(v reflect.Value, to autoscaling.Time) {
	switch {
	case v.Type() == reflect.TypeFor[autoscaling.Time]():
		v.SetInt(int64(to))
	case v.Kind() == reflect.Struct:
		for n := range v.NumField() {
			fillTimes(v.Field(n), to)
		}
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.New(v.Type().Elem()))
		fillTimes(v.Elem(), to)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillTimes(v.Index(0), to)
	}
}

func eachTime(v reflect.Value, name string, fn func(string, autoscaling.TimeClass, autoscaling.Time)) {
	switch v.Kind() {
	case reflect.Struct:
		for n := range v.NumField() {
			f := v.Type().Field(n)
			if f.Type == reflect.TypeFor[autoscaling.Time]() {
				fn(name+"."+f.Name, autoscaling.TimeClass(f.Tag.Get("time")), autoscaling.Time(v.Field(n).Int()))
				continue
			}
			eachTime(v.Field(n), name+"."+f.Name, fn)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			eachTime(v.Elem(), name, fn)
		}
	case reflect.Slice:
		for n := range v.Len() {
			eachTime(v.Index(n), name, fn)
		}
	}
}

func TestADeadlineThatIsNotTooLateStays(t *testing.T) {
	w := newState(t)
	g := &autoscaling.Group{GroupSpec: autoscaling.GroupSpec{DefaultCooldown: 5 * time.Minute}}
	g.CooldownUntil = w.Now.Add(4 * time.Minute)
	if c := (adaptClock{Reader: w.View().Reader, now: w.Now}); adaptGroup(c, g) != g {
		t.Error("a cooldown that began a minute ago was changed")
	}
}

func TestATaskOfOneRunDoesNotRunTwice(t *testing.T) {
	w := newState(t)
	start := w.Now.Add(time.Hour)
	for outcome, want := range map[autoscaling.RunOutcome]autoscaling.Time{autoscaling.RunRun: 0, autoscaling.RunMissed: start} {
		task := &autoscaling.ScheduledTask{Group: "g", StartTime: start, LastRun: &autoscaling.LastRun{Time: start, Outcome: outcome}}
		if is := adaptScheduledTask(adaptClock{Reader: w.View().Reader, now: w.Now}, task); is.NextRun != want {
			t.Errorf("after %s it runs at %s, want %s", outcome, is.NextRun, want)
		}
	}
}

// A whole state is adapted, in as many batches as one likes.
func TestAStateIsAdaptedAfterTimeWasSet(t *testing.T) {
	w := newState(t)
	right := w.Now
	w.Now = right.Add(10 * 365 * 24 * time.Hour)
	w.do(func(tx *fsm.Tx) {
		tx.PutGroup(&autoscaling.Group{
			Meta:      autoscaling.Meta{UID: "g", Namespace: "default", ID: "g", CreateTime: tx.Now()},
			GroupSpec: autoscaling.GroupSpec{DefaultCooldown: time.Minute}, GroupStatus: autoscaling.GroupStatus{State: autoscaling.GroupActive, CooldownUntil: tx.Now().Add(time.Minute)},
		})
		tx.PutScheduledTask(&autoscaling.ScheduledTask{Meta: autoscaling.Meta{UID: "t", ID: "t"}, Group: "g", Cron: "* * * * *", NextRun: tx.Now().Add(time.Minute)})
		tx.PutRequest(&autoscaling.Request{Namespace: "default", ID: "r", Time: tx.Now()})
		tx.PutNotificationTarget(&autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: "n", Namespace: "default", ID: "n"}, Webhook: &autoscaling.Webhook{
			Secrets: []autoscaling.WebhookSecret{{Secret: "new"}, {Secret: "old", ExpireTime: tx.Now().Add(time.Hour)}, {Secret: "expired", ExpireTime: tx.Now().Add(-time.Hour)}},
		}})
	})
	w.do(func(tx *fsm.Tx) {
		SetTime(tx, right)
	})
	w.Now = right.Add(time.Second)
	all := AdaptTimes(w.View().Reader)
	if len(all) != 4 {
		t.Errorf("%d records are to be adapted, want 4", len(all))
	}
	for _, adapt := range all {
		w.do(adapt)
	}
	w.do(func(tx *fsm.Tx) { FinishAdapting(tx, 1) })
	if again := AdaptTimes(w.View().Reader); len(again) != 0 || !w.View().Cluster().TimeSet.Adapted {
		t.Errorf("%d are left", len(again))
	}
	v := w.View()
	if g := v.Group("g"); g.CooldownUntil != w.Now.Add(time.Minute) {
		t.Errorf("cooldown until %s", g.CooldownUntil)
	}
	if task := v.ScheduledTask("g", "t"); task.NextRun != right.Add(time.Minute) {
		t.Errorf("the next run is at %s", task.NextRun)
	}
	if s := v.NotificationTarget("n").Webhook.Secrets; len(s) != 2 || s[1].ExpireTime != w.Now.Add(autoscaling.SecretOverlap) {
		t.Errorf("secrets %+v", s)
	}
	if r := v.Request("default", "r"); r.Time > w.Now {
		t.Errorf("the request is of %s", r.Time)
	}
}
