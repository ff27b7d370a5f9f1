package rpc

import (
	"strings"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestTruncatedJSONSaysThatItIsTruncated(t *testing.T) {
	for _, body := range []string{`{"minSize": 1`, `{"minSize"`, `{"labels": {"a": "b"`} {
		err := jsonMarshaler{}.Unmarshal([]byte(body), &pb.Group{})
		if err == nil || !strings.Contains(err.Error(), "ends too early") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
