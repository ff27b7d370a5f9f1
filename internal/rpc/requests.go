package rpc

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// methods are all methods of the API, by their descriptors.
func methods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	pkg := pb.File_autoscaling_v1_group_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			for n := range service.Methods().Len() {
				all = append(all, service.Methods().Get(n))
			}
		}
		return true
	})
	return all
}

// requests are one empty message of each kind that is asked with, so that their
// rules are compiled at the start and not with the first call.
func requests() []proto.Message {
	var all []proto.Message
	for _, m := range methods() {
		t, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
		if err != nil {
			panic("rpc: " + err.Error())
		}
		all = append(all, t.New().Interface())
	}
	return all
}
