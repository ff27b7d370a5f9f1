package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// completer says to the service how instances that wait for a hook go on.
type completer struct {
	service string // e.g. http://127.0.0.1:7480
	result  string
	after   time.Duration
	http    *http.Client
}

func (c *completer) complete(ctx context.Context, e event) error {
	if c.after > 0 { // the work that the hook is for
		select {
		case <-time.After(c.after):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	body, err := json.Marshal(map[string]string{
		"token": e.Data.Attributes["token"], "result": c.result,
		"requestId": "receiver-" + e.ID, // a repeat does nothing
	})
	if err != nil {
		return err
	}
	url := fmt.Sprintf("%s/v1/namespaces/%s/groups/%s/lifecycleActions:complete", c.service, e.Data.Namespace, e.Data.Group)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusOK || over(text) {
		return nil
	}
	return fmt.Errorf("%s: %s", answer.Status, text)
}

// over says that the action ended meanwhile, by somebody else or by its
// deadline, or that the instance is gone: nothing is left to do.
func over(text []byte) bool {
	var status struct {
		Details []struct {
			Reason string `json:"reason"`
		} `json:"details"`
	}
	if json.Unmarshal(text, &status) != nil {
		return false
	}
	for _, d := range status.Details {
		if d.Reason == "WRONG_STATE" || d.Reason == "NOT_FOUND" {
			return true
		}
	}
	return false
}
