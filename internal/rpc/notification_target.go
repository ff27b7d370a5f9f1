package rpc

import (
	"context"
	"crypto/rand"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type notificationService struct {
	pb.UnimplementedNotificationServiceServer
	*Server
}

// secretBytes are in a signing secret that is made here.
const secretBytes = 32

// secretOr is the given signing secret, or a new one. Operations have no source
// of random bytes, and a log entry must not depend on one.
func secretOr(given string) string {
	if given != "" {
		return given
	}
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return autoscaling.FormatWebhookSecret(b[:])
}

// showSecret is mutate for the calls that make a secret, which only their answers
// show. It is not remembered under the request_id, where it would outlive a rotation
// and its target: a repeat shows it as long as the target has it. A dry run shows
// none: another one would be made in earnest.
func (s notificationService) showSecret(ctx context.Context, namespace string, req mutation, op func(*fsm.Tx) (*autoscaling.NotificationTarget, error)) (*pb.NotificationTarget, error) {
	made := ""
	m, err := mutate(ctx, s.Server, namespace, req, func(tx *fsm.Tx) (*pb.NotificationTarget, error) {
		t, err := op(tx)
		if err != nil {
			return nil, err
		}
		made = t.Webhook.Secrets[0].Secret
		return notificationTargetMessage(tx.Reader, t), nil
	})
	if err != nil || req.GetValidateOnly() {
		return m, err
	}
	if made == "" { // repeated
		made = secretAgain(s.node.View().Reader, m)
	}
	m.GetWebhook().Secret = made
	return m, nil
}

// secretAgain is the secret that an earlier answer showed; empty: its target has
// it no more.
func secretAgain(r fsm.Reader, m *pb.NotificationTarget) string {
	t, shown := r.NotificationTarget(autoscaling.UID(m.GetUid())), m.GetWebhook().GetSecrets()
	if t == nil || len(shown) == 0 {
		return ""
	}
	for _, secret := range t.Webhook.Secrets {
		if proto.Equal(timestamp(secret.CreateTime), shown[0].GetCreateTime()) {
			return secret.Secret
		}
	}
	return ""
}

func (s notificationService) CreateNotificationTarget(ctx context.Context, req *pb.CreateNotificationTargetRequest) (*pb.NotificationTarget, error) {
	var target autoscaling.NotificationTarget
	given, namespace := req.GetNotificationTarget(), namespaceOf(req.GetParent())
	if err := readNotificationTarget(given, &target); err != nil {
		return nil, err
	}
	secret := secretOr(given.GetWebhook().GetSecret())
	return s.showSecret(ctx, namespace, req, func(tx *fsm.Tx) (*autoscaling.NotificationTarget, error) {
		return s.operations.CreateNotificationTarget(tx, control.CreateNotificationTargetRequest{
			Caller: caller(ctx, req.GetRequestId()), Namespace: namespace,
			NewMeta: newMeta(req.GetNotificationTargetId(), given), Target: target, Secret: secret,
		})
	})
}

func (s notificationService) GetNotificationTarget(ctx context.Context, req *pb.GetNotificationTargetRequest) (*pb.NotificationTarget, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	t, err := control.FindNotificationTarget(v.Reader, targetName(req.GetName()))
	if err != nil {
		return nil, err
	}
	m := notificationTargetMessage(v.Reader, t)
	addOldest(v.Reader, t, m.GetStatus())
	return m, nil
}

func (s notificationService) ListNotificationTargets(ctx context.Context, req *pb.ListNotificationTargetsRequest) (*pb.ListNotificationTargetsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.NotificationTarget, *pb.NotificationTarget]{
		records: v.NotificationTargets(everyNamespace(req.GetParent())),
		key:     func(t *autoscaling.NotificationTarget) string { return t.Namespace + "\x00" + t.ID },
		message: func(t *autoscaling.NotificationTarget) *pb.NotificationTarget {
			return notificationTargetMessage(v.Reader, t)
		},
	})
	return &pb.ListNotificationTargetsResponse{NotificationTargets: page, NextPageToken: next, TotalSize: &total}, err
}

func (s notificationService) UpdateNotificationTarget(ctx context.Context, req *pb.UpdateNotificationTargetRequest) (*pb.NotificationTarget, error) {
	given := req.GetNotificationTarget()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := targetName(given.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.NotificationTarget, error) {
		t, err := s.operations.UpdateNotificationTarget(tx, control.UpdateNotificationTargetRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Etag: given.GetEtag(),
			Change: func(target *autoscaling.NotificationTarget) error {
				changed := notificationTargetSpecMessage(target)
				mask.apply(changed, given)
				if err := checkSecretStays(changed.GetWebhook(), target.Webhook); err != nil {
					return err
				}
				return readNotificationTarget(changed, target)
			},
		})
		if err != nil {
			return nil, err
		}
		return notificationTargetMessage(tx.Reader, t), nil
	})
}

// checkSecretStays lets an update repeat the secret, as a file that is applied
// again does, but not change it: what is under way is signed with it.
func checkSecretStays(given *pb.Webhook, is *autoscaling.Webhook) error {
	secret := given.GetSecret()
	if secret == "" || is != nil && len(is.Secrets) > 0 && secret == is.Secrets[0].Secret {
		return nil
	}
	return autoscaling.FieldErrorf("webhook.secret", "is changed by rotating it, so that both are valid for a while")
}

func (s notificationService) DeleteNotificationTarget(ctx context.Context, req *pb.DeleteNotificationTargetRequest) (*emptypb.Empty, error) {
	name := targetName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteNotificationTarget(tx, control.DeleteNotificationTargetRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name,
		})
	})
}

func (s notificationService) RotateNotificationTargetSecret(ctx context.Context, req *pb.RotateNotificationTargetSecretRequest) (*pb.NotificationTarget, error) {
	name, secret := targetName(req.GetName()), secretOr(req.GetSecret())
	return s.showSecret(ctx, name.Namespace, req, func(tx *fsm.Tx) (*autoscaling.NotificationTarget, error) {
		return s.operations.RotateWebhookSecret(tx, control.RotateWebhookSecretRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Secret: secret,
		})
	})
}

func (s notificationService) TestNotificationTarget(ctx context.Context, req *pb.TestNotificationTargetRequest) (*pb.Delivery, error) {
	name := targetName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Delivery, error) {
		d, err := s.operations.TestNotificationTarget(tx, control.TestNotificationTargetRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name,
		})
		if err != nil {
			return nil, err
		}
		return deliveryMessage(d), nil
	})
}
