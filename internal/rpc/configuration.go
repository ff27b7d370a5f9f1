package rpc

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type configurationService struct {
	pb.UnimplementedConfigurationServiceServer
	*Server
}

func (s configurationService) CreateConfiguration(ctx context.Context, req *pb.CreateConfigurationRequest) (*pb.Configuration, error) {
	made, err := template(req.GetConfiguration())
	if err != nil {
		return nil, err
	}
	s.refresh(ctx, Dependencies{Template: &made})
	namespace := namespaceOf(req.GetParent())
	return mutate(ctx, s.Server, namespace, req, func(tx *fsm.Tx) (*pb.Configuration, error) {
		c, v, err := s.operations.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Caller:    caller(ctx, req.GetRequestId()),
			Namespace: namespace,
			NewMeta:   newMeta(req.GetConfigurationId(), req.GetConfiguration()),
			Template:  made,
		})
		if err != nil {
			return nil, err
		}
		return configurationMessage(tx.Reader, c, v), nil
	})
}

func (s configurationService) GetConfiguration(ctx context.Context, req *pb.GetConfigurationRequest) (*pb.Configuration, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	return readConfiguration(v.Reader, configurationName(req.GetName()))
}

func readConfiguration(r fsm.Reader, name control.ConfigurationName) (*pb.Configuration, error) {
	c, err := control.FindConfiguration(r, name)
	if err != nil {
		return nil, err
	}
	return configurationMessage(r, c, r.ConfigurationVersion(c.UID, c.Latest)), nil
}

func (s configurationService) ListConfigurations(ctx context.Context, req *pb.ListConfigurationsRequest) (*pb.ListConfigurationsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.Configuration, *pb.Configuration]{
		records: v.Configurations(everyNamespace(req.GetParent())),
		key:     func(c *autoscaling.Configuration) string { return c.Namespace + "\x00" + c.ID },
		message: func(c *autoscaling.Configuration) *pb.Configuration {
			return configurationMessage(v.Reader, c, v.ConfigurationVersion(c.UID, c.Latest))
		},
	})
	return &pb.ListConfigurationsResponse{Configurations: page, NextPageToken: next, TotalSize: &total}, err
}

func (s configurationService) UpdateConfiguration(ctx context.Context, req *pb.UpdateConfigurationRequest) (*pb.Configuration, error) {
	given := req.GetConfiguration()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := configurationName(given.GetName())
	s.refreshConfiguration(ctx, name, mask, given)
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Configuration, error) {
		c, v, err := s.operations.UpdateConfiguration(tx, control.UpdateConfigurationRequest{
			Caller: caller(ctx, req.GetRequestId()),
			Name:   name,
			Etag:   given.GetEtag(),
			Change: func(meta *autoscaling.Meta, t *autoscaling.Template) error {
				return changeConfiguration(mask, given, meta, t)
			},
		})
		if err != nil {
			return nil, err
		}
		return configurationMessage(tx.Reader, c, v), nil
	})
}

// changeConfiguration writes the masked fields into what is there.
func changeConfiguration(m mask, given *pb.Configuration, meta *autoscaling.Meta, t *autoscaling.Template) error {
	changed := &pb.Configuration{Labels: meta.Labels, ExternalNames: meta.ExternalNames}
	showTemplate(t, changed)
	m.apply(changed, given)
	next, err := template(changed)
	if err != nil {
		return err
	}
	*t = next
	meta.Labels, meta.ExternalNames = changed.GetLabels(), changed.GetExternalNames()
	return nil
}

// refreshConfiguration looks at what the changed template would need. A
// configuration that is not there is the operation's to refuse.
func (s configurationService) refreshConfiguration(ctx context.Context, name control.ConfigurationName, m mask, given *pb.Configuration) {
	r := s.node.View().Reader
	c, err := control.FindConfiguration(r, name)
	if err != nil {
		return
	}
	v := r.ConfigurationVersion(c.UID, c.Latest)
	if v == nil {
		return
	}
	meta, t := c.Meta, v.Template
	if changeConfiguration(m, given, &meta, &t) == nil {
		s.refresh(ctx, Dependencies{Template: &t})
	}
}

func (s configurationService) DeleteConfiguration(ctx context.Context, req *pb.DeleteConfigurationRequest) (*emptypb.Empty, error) {
	name := configurationName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteConfiguration(tx, control.DeleteConfigurationRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name,
		})
	})
}

func (s configurationService) ListConfigurationVersions(ctx context.Context, req *pb.ListConfigurationVersionsRequest) (*pb.ListConfigurationVersionsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	c, err := control.FindConfiguration(v.Reader, configurationName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.ConfigurationVersion, *pb.Configuration]{
		records: newestFirst(v.ConfigurationVersions(c.UID)),
		key:     func(v *autoscaling.ConfigurationVersion) string { return fmt.Sprintf("%010d", maxVersion-v.Version) },
		message: func(version *autoscaling.ConfigurationVersion) *pb.Configuration {
			return configurationMessage(v.Reader, c, version)
		},
	})
	return &pb.ListConfigurationVersionsResponse{Versions: page, NextPageToken: next, TotalSize: &total}, err
}

const maxVersion = 1<<31 - 1

func newestFirst[T any](oldestFirst iter.Seq[T]) iter.Seq[T] {
	all := slices.Collect(oldestFirst)
	slices.Reverse(all)
	return slices.Values(all)
}

// everyNamespace is the namespace of a parent, or "" when that is "-": all of them.
func everyNamespace(parent string) string {
	if n := namespaceOf(parent); n != "-" {
		return n
	}
	return ""
}

// newMeta reads what a caller says of a new resource itself.
func newMeta(id string, m interface {
	GetLabels() map[string]string
	GetExternalNames() map[string]string
}) control.NewMeta {
	return control.NewMeta{ID: id, Labels: m.GetLabels(), ExternalNames: m.GetExternalNames()}
}
