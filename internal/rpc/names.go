package rpc

import (
	"strconv"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// The forms of names were checked against the .proto files' patterns before a
// handler sees them; the functions here only take them apart. What follows a
// collection may be an id or a uid.

// segment is the n-th part of a name, counted from 0.
func segment(name string, n int) string {
	for ; n > 0; n-- {
		i := strings.IndexByte(name, '/')
		if i < 0 {
			return ""
		}
		name = name[i+1:]
	}
	if i := strings.IndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return name
}

// namespaceOf reads "namespaces/{namespace}…".
func namespaceOf(name string) string { return segment(name, 1) }

// configurationName reads "namespaces/{namespace}/configurations/{configuration}".
func configurationName(name string) control.ConfigurationName {
	return control.ConfigurationName{Namespace: segment(name, 1), ID: segment(name, 3)}
}

// groupName reads "namespaces/{namespace}/groups/{group}…".
func groupName(name string) control.GroupName {
	return control.GroupName{Namespace: segment(name, 1), ID: segment(name, 3)}
}

// childName reads "namespaces/{namespace}/groups/{group}/{collection}/{id}".
func childName(name string) control.ChildName {
	return control.ChildName{Namespace: segment(name, 1), Group: segment(name, 3), ID: segment(name, 5)}
}

// localID reduces a reference, which is an id or a full name, to the id. A full
// name must be of the given parent's collection: prefix ends in "/".
func localID(field, reference, prefix string) (string, error) {
	if !strings.ContainsRune(reference, '/') {
		return reference, nil
	}
	id, ok := strings.CutPrefix(reference, prefix)
	if !ok || id == "" || strings.ContainsRune(id, '/') {
		return "", autoscaling.FieldErrorf(field, "%q is neither an id nor a name that begins with %s", reference, prefix)
	}
	return id, nil
}

// localIDs reduces references one by one; the result is a new slice.
func localIDs(field string, references []string, prefix string) ([]string, error) {
	if len(references) == 0 {
		return nil, nil
	}
	ids := make([]string, len(references))
	for i, r := range references {
		id, err := localID(field+"["+strconv.Itoa(i)+"]", r, prefix)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// resourceType is the collection that a full name ends in, for ResourceInfo.
func resourceType(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) < 2 {
		return ""
	}
	return "autoscaling/" + parts[len(parts)-2]
}

// clusterName is part of every ARI.
func clusterName(r fsm.Reader) string {
	if c := r.Cluster(); c != nil {
		return c.Name
	}
	return ""
}
