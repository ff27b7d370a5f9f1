package control

import (
	"reflect"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateNotification sends a group's events from now on to a target.
func (o Operations) CreateNotification(tx *fsm.Tx, req CreateNotificationRequest) (*autoscaling.Notification, error) {
	g, err := changeableGroup(tx, req.Parent)
	if err != nil {
		return nil, err
	}
	n := autoscaling.Notification{
		Meta: newMeta(tx, g.Namespace, req.NewMeta), Group: g.UID,
		Target: req.Notification.Target, EventTypes: sortedTypes(req.Notification.EventTypes), Disabled: req.Notification.Disabled,
	}
	if err := autoscaling.ValidateMeta("notification_id", &n.Meta); err != nil {
		return nil, err
	}
	if tx.Notification(g.UID, n.ID) != nil {
		return nil, alreadyExists(autoscaling.NotificationResource(g.Namespace, g.ID, n.ID))
	}
	if err := checkNotification(tx, &n); err != nil {
		return nil, err
	}
	if err := checkLimit("notifications in group "+g.ID, tx.Notifications(g.UID), autoscaling.MaxNotifications); err != nil {
		return nil, err
	}
	n.UID = tx.NewUID()
	tx.PutNotification(&n)
	tx.Emit(groupEvent(g, autoscaling.EventNotificationCreated, n.ID, ""))
	return &n, nil
}

// UpdateNotification changes what is sent from now on.
func (o Operations) UpdateNotification(tx *fsm.Tx, req UpdateNotificationRequest) (*autoscaling.Notification, error) {
	g, was, err := FindNotification(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkChild(g, autoscaling.NotificationResource(g.Namespace, g.ID, was.ID), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	n := *was
	if err := req.Change(&n); err != nil {
		return nil, err
	}
	n.Meta, n.Group, n.EventTypes = fixedMeta(was.Meta, n.Meta), was.Group, sortedTypes(n.EventTypes)
	if err := checkNotification(tx, &n); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(n, *was) {
		return was, nil
	}
	touch(tx, &n.Meta)
	tx.PutNotification(&n)
	tx.Emit(groupEvent(g, autoscaling.EventNotificationUpdated, n.ID, ""))
	return &n, nil
}

// DeleteNotification ends a subscription. What is on its way still arrives.
func (o Operations) DeleteNotification(tx *fsm.Tx, req DeleteNotificationRequest) error {
	g, n, err := FindNotification(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	if err := checkChild(g, autoscaling.NotificationResource(g.Namespace, g.ID, n.ID), req.Etag, &n.Meta); err != nil {
		return err
	}
	tx.DeleteNotification(g.UID, n.ID)
	tx.Emit(groupEvent(g, autoscaling.EventNotificationDeleted, n.ID, ""))
	return nil
}

// FindNotification looks a notification up by id or uid, with its group.
func FindNotification(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Notification, error) {
	g, err := FindGroup(r, GroupName{name.Namespace, name.Group})
	if err != nil {
		return nil, nil, err
	}
	n := r.Notification(g.UID, name.ID)
	if n == nil {
		n = byUID(r.Notifications(g.UID), name.ID, func(n *autoscaling.Notification) autoscaling.UID { return n.UID })
	}
	if n == nil {
		return nil, nil, notFound(autoscaling.NotificationResource(name.Namespace, name.Group, name.ID))
	}
	return g, n, nil
}

func checkNotification(tx *fsm.Tx, n *autoscaling.Notification) error {
	if err := autoscaling.ValidateMeta("notification_id", &n.Meta); err != nil {
		return err
	}
	if err := autoscaling.ValidateNotification(n); err != nil {
		return err
	}
	t, err := FindNotificationTarget(tx.Reader, NotificationTargetName{n.Namespace, n.Target})
	if err != nil {
		return missing("target", "notification target %s does not exist in namespace %s", n.Target, n.Namespace)
	}
	n.Target = t.ID // it may be named by its uid
	return checkExternalNames(&n.Meta, inGroups(tx.Groups(n.Namespace), func(n *autoscaling.Notification) *autoscaling.Meta { return &n.Meta }, tx.Notifications))
}

func sortedTypes(types []autoscaling.EventType) []autoscaling.EventType {
	if len(types) == 0 {
		return nil
	}
	sorted := slices.Clone(types)
	slices.Sort(sorted)
	return sorted
}

// deleteNotifications deletes what a group that is gone had.
func deleteNotifications(tx *fsm.Tx, group autoscaling.UID) {
	for _, n := range slices.Collect(tx.Notifications(group)) {
		tx.DeleteNotification(group, n.ID)
	}
}
