package rpc

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
)

// queryParameters are the parameters that each path takes, by HTTP method and
// pattern: what is neither in the path nor in the body.
func queryParameters() map[string][]string {
	known := map[string][]string{}
	for _, m := range methods() {
		rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
		if rule == nil {
			continue
		}
		for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
			method, pattern := binding(r)
			known[method+" "+pattern] = parametersOf(m.Input(), pattern, r.GetBody())
		}
	}
	return known
}

func binding(r *annotations.HttpRule) (method, pattern string) {
	switch p := r.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	}
	panic("rpc: an HTTP rule of a kind that is not used so far")
}

func parametersOf(input protoreflect.MessageDescriptor, pattern, body string) []string {
	if body == "*" {
		return nil
	}
	var names []string
	for i := range input.Fields().Len() {
		f := input.Fields().Get(i)
		name := string(f.Name())
		if name == body || strings.Contains(pattern, "{"+name+"=") {
			continue
		}
		names = append(names, name, f.JSONName())
	}
	return names
}

// knownQuery refuses parameters that nobody would look at.
func (s *Server) knownQuery(known map[string][]string) runtime.Middleware {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, path map[string]string) {
			if err := checkValues(path, r.URL.Query(), r.Header); err != nil {
				s.writeError(w, http.StatusBadRequest, refusal(err))
				return
			}
			if r.URL.RawQuery != "" {
				pattern, _ := runtime.HTTPPattern(r.Context())
				if err := checkQuery(r.URL.RawQuery, known[r.Method+" "+pattern.String()]); err != nil {
					s.writeError(w, http.StatusBadRequest, refusal(err))
					return
				}
			}
			next(w, r, path)
		}
	}
}

func checkQuery(query string, known []string) *autoscaling.Error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return autoscaling.Errorf(autoscaling.InvalidArgument, "read the query parameters: %s", err)
	}
	for key, v := range values {
		if !slices.Contains(known, key) {
			return autoscaling.FieldErrorf(key, "there is no such query parameter here")
		}
		if len(v) > 1 && key != "updateMask" && key != "update_mask" {
			return autoscaling.FieldErrorf(key, "the query parameter is given %d times", len(v))
		}
	}
	return nil
}
