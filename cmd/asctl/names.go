package main

import (
	"regexp"
	"strings"
)

var (
	idPattern = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	// codeNames finds where the words of a gRPC code's name meet.
	codeNames = regexp.MustCompile(`([a-z])([A-Z])`)
)

// fullName makes the name that the API takes of what was typed: an id, GROUP/ID
// for what is in a group, or a full name as it is. A uid may stand for the id.
func (a *app) fullName(k *kind, typed string) (string, error) {
	parts := strings.Split(typed, "/")
	if parts[0] == "namespaces" {
		want := 4
		if k.inGroup {
			want = 6
		}
		if len(parts) != want || parts[want-2] != k.collection {
			return "", usagef("%q is not the name of %s: %s", typed, k.article(), k.form("namespaces/NAMESPACE/"))
		}
		return typed, nil
	}
	want := 1
	if k.inGroup {
		want = 2
	}
	if len(parts) != want {
		if k.inGroup {
			return "", usagef("%q does not name %s: say %s", typed, k.article(), k.form(""))
		}
		return "", usagef("%q does not name %s: say %s, without a /", typed, k.article(), k.form(""))
	}
	for _, id := range parts {
		if !idPattern.MatchString(id) {
			return "", usagef("%q is no id: lower-case letters, digits and hyphens, at most 63", id)
		}
	}
	name := a.namespaceName()
	if k.inGroup {
		return name + "/groups/" + parts[0] + "/" + k.collection + "/" + parts[1], nil
	}
	return name + "/" + k.collection + "/" + parts[0], nil
}

func (a *app) namespaceName() string { return "namespaces/" + a.global.namespace }

// groupName makes the full name of a group.
func (a *app) groupName(typed string) (string, error) { return a.fullName(groups, typed) }

// parentOf splits a full name into its parent and the id.
func parentOf(name string) (parent, id string) {
	segments := strings.Split(name, "/")
	return strings.Join(segments[:len(segments)-2], "/"), segments[len(segments)-1]
}

// shortName is a full name as people type it: web, web/add-two.
func shortName(name string) string {
	segments := strings.Split(name, "/")
	var ids []string
	for i := 3; i < len(segments); i += 2 {
		ids = append(ids, segments[i])
	}
	if len(ids) == 0 {
		return name
	}
	return strings.Join(ids, "/")
}

// nounAndName is a full name as what was done to it is told: rule/web/add-two.
func nounAndName(name string) string {
	segments := strings.Split(name, "/")
	for _, k := range kinds {
		if len(segments) > 1 && segments[len(segments)-2] == k.collection {
			return k.noun + "/" + shortName(name)
		}
	}
	return name
}

// namespaceOf is the namespace's id in a full name.
func namespaceOf(name string) string {
	segments := strings.Split(name, "/")
	if len(segments) < 2 {
		return ""
	}
	return segments[1]
}

// instanceNames reads GROUP ID… or GROUP/ID…, which must all be of one group.
func (a *app) instanceNames(args []string) (group string, ids []string, err error) {
	if !strings.Contains(args[0], "/") {
		if len(args) < 2 {
			return "", nil, usagef("which instances of group %s?", args[0])
		}
		group, err = a.groupName(args[0])
		for _, id := range args[1:] {
			if err == nil && !idPattern.MatchString(id) {
				err = usagef("%q is no instance id", id)
			}
		}
		if err == nil {
			err = eachOnce(args[1:])
		}
		return group, args[1:], err
	}
	for _, arg := range args {
		name, err := a.fullName(instances, arg)
		if err != nil {
			return "", nil, err
		}
		of, id := parentOf(name)
		if group != "" && of != group {
			return "", nil, usagef("%s is not in group %s: name instances of one group", arg, shortName(group))
		}
		group, ids = of, append(ids, id)
	}
	return group, ids, eachOnce(ids)
}

// eachOnce refuses a batch that names something twice.
func eachOnce(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return usagef("%s is named twice", name)
		}
		seen[name] = true
	}
	return nil
}
