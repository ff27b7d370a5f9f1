package webhook

import (
	"encoding/json"
	"time"

	"github.com/asctl/as/internal/providers"
)

// contentType is that of a structured event (CloudEvents 1.0, JSON format, 3).
const contentType = "application/cloudevents+json"

// event has the attributes of CloudEvents 1.0.
type event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

func encode(n providers.Notice) ([]byte, error) {
	return json.Marshal(event{
		SpecVersion: "1.0", ID: n.ID, Source: n.Source, Type: n.Type, Subject: n.Subject,
		Time: n.Time.UTC().Format(time.RFC3339Nano), DataContentType: "application/json", Data: n.Data,
	})
}
