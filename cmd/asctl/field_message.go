package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// parseConfigurationReference reads ID[@VERSION].
func parseConfigurationReference(s string) (proto.Message, error) {
	name, version, versioned := strings.Cut(s, "@")
	r := &pb.Group_ConfigurationReference{Name: name}
	if name == "" {
		return nil, errors.New("expected ID[@VERSION]")
	}
	if !versioned {
		return r, nil
	}
	if n, err := strconv.ParseUint(version, 10, 31); err == nil && n > 0 {
		r.Version = structpb.NewNumberValue(float64(n))
		return r, nil
	}
	word := strings.ToUpper(version)
	if word != "LATEST" && word != "DEFAULT" {
		return nil, fmt.Errorf("version %q is neither a number nor LATEST nor DEFAULT", version)
	}
	r.Version = structpb.NewStringValue(word)
	return r, nil
}

// parseBalancer reads PROVIDER/POOL[:PORT][,weight=N][,drain=DURATION].
func parseBalancer(s string) (proto.Message, error) {
	where, options, _ := strings.Cut(s, ",")
	provider, pool, ok := strings.Cut(where, "/")
	b := &pb.Group_Balancer{Provider: provider}
	if i := strings.LastIndexByte(pool, ':'); i >= 0 {
		port, err := strconv.ParseInt(pool[i+1:], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no port", pool[i+1:])
		}
		b.Port, pool = int32(port), pool[:i]
	}
	b.Pool = pool
	if !ok || provider == "" || pool == "" {
		return nil, errors.New("expected PROVIDER/POOL[:PORT]")
	}
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "":
		case "weight":
			n, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("weight %q is no whole number", value)
			}
			b.Weight = proto.Int32(int32(n))
		case "drain":
			d, err := time.ParseDuration(value)
			if err != nil {
				return nil, fmt.Errorf("drain %q is no duration", value)
			}
			b.DrainTimeout = durationpb.New(d)
		default:
			return nil, fmt.Errorf("%q is neither weight nor drain", key)
		}
	}
	return b, nil
}

// parseAccessList reads PROVIDER/LIST.
func parseAccessList(s string) (proto.Message, error) {
	provider, list, ok := strings.Cut(s, "/")
	if !ok || provider == "" || list == "" {
		return nil, errors.New("expected PROVIDER/LIST")
	}
	return &pb.Group_AccessList{Provider: provider, List: list}, nil
}

// parseZone reads ZONE[:NETWORK].
func parseZone(s string) (proto.Message, error) {
	zone, network, _ := strings.Cut(s, ":")
	if zone == "" {
		return nil, errors.New("expected ZONE[:NETWORK]")
	}
	return &pb.Group_Zone{Zone: zone, Network: network}, nil
}

// parseInstanceType reads TYPE[=WEIGHT].
func parseInstanceType(s string) (proto.Message, error) {
	name, weight, weighted := strings.Cut(s, "=")
	t := &pb.InstanceType{Type: name}
	if name == "" {
		return nil, errors.New("expected TYPE[=WEIGHT]")
	}
	if weighted {
		n, err := strconv.ParseInt(weight, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("weight %q is no whole number", weight)
		}
		t.Weight = proto.Int32(int32(n))
	}
	return t, nil
}

// parseDisk reads GIB[:TYPE].
func parseDisk(s string) (proto.Message, error) {
	size, kind, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(size, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%q is no size in GiB", size)
	}
	return &pb.Disk{SizeGib: int32(n), Type: kind}, nil
}

// parseStruct reads a JSON object.
func parseStruct(s string) (proto.Message, error) {
	object := &structpb.Struct{}
	if err := protojson.Unmarshal([]byte(s), object); err != nil {
		return nil, errors.New("expected a JSON object")
	}
	return object, nil
}

// splitWords splits at spaces, but not within quotes. Nothing is expanded: no
// shell is involved when an instance starts either.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// parseHook reads ID:TRANSITION[,timeout=DURATION][,default=RESULT][,target=ID][,metadata=TEXT].
// The metadata may have commas: it goes last.
func parseHook(s string) (proto.Message, error) {
	what, options, _ := strings.Cut(s, ",")
	id, transition, ok := strings.Cut(what, ":")
	if !ok || id == "" {
		return nil, errors.New("expected ID:TRANSITION")
	}
	h := &pb.LifecycleHook{Name: id}
	way, err := parseEnum(h.Transition.Descriptor(), transition)
	if err != nil {
		return nil, err
	}
	h.Transition = pb.LifecycleHook_Transition(way.Enum())
	for options != "" {
		var option string
		if strings.HasPrefix(options, "metadata=") {
			option, options = options, ""
		} else {
			option, options, _ = strings.Cut(options, ",")
		}
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "timeout":
			d, err := time.ParseDuration(value)
			if err != nil {
				return nil, fmt.Errorf("timeout %q is no duration", value)
			}
			h.HeartbeatTimeout = durationpb.New(d)
		case "default":
			result, err := parseEnum(h.DefaultResult.Descriptor(), value)
			if err != nil {
				return nil, err
			}
			h.DefaultResult = pb.LifecycleHook_Result(result.Enum())
		case "target":
			h.NotificationTarget = value
		case "metadata":
			h.Metadata = value
		default:
			return nil, fmt.Errorf("%q is none of timeout, default, target, metadata", key)
		}
	}
	return h, nil
}
