package autoscaling

import (
	"fmt"
	"strings"
)

// ARI is the name that a resource has across clusters:
// ari:as:{cluster}:{namespace}:{kind}/{path}, e.g.
// "ari:as:prod:default:rule/web/add-two".
type ARI struct {
	Cluster   string
	Namespace string
	Kind      string // configuration, group, rule, alarm-task, scheduled-task, instance, activity
	Path      string // ids from the top down, joined by "/"
}

func (a ARI) String() string {
	return "ari:as:" + a.Cluster + ":" + a.Namespace + ":" + a.Kind + "/" + a.Path
}

// ParseARI reads the textual form.
func ParseARI(s string) (ARI, error) {
	parts := strings.SplitN(s, ":", 5)
	if len(parts) != 5 || parts[0] != "ari" || parts[1] != "as" {
		return ARI{}, fmt.Errorf("%q is not an ARI (ari:as:CLUSTER:NAMESPACE:KIND/PATH)", s)
	}
	kind, path, ok := strings.Cut(parts[4], "/")
	if !ok || parts[2] == "" || parts[3] == "" || kind == "" || path == "" {
		return ARI{}, fmt.Errorf("%q is not an ARI (ari:as:CLUSTER:NAMESPACE:KIND/PATH)", s)
	}
	return ARI{Cluster: parts[2], Namespace: parts[3], Kind: kind, Path: path}, nil
}
