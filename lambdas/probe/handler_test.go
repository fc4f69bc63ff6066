package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type counter struct {
	asked []string
	err   error
}

func (c *counter) CountProbe(_ context.Context, callID string) (map[string]int, error) {
	c.asked = append(c.asked, callID)
	return map[string]int{"apimetric": 2}, c.err
}

const call = "6c1b0f50-0000-4000-8000-000000000001"

func TestHandleAnswersCountsAndNothingElse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, event string
		want        bool
	}{
		{"a call", `{"call_id":"` + call + `"}`, true},
		{"nothing", ``, false},
		{"null", `null`, false},
		{"no call", `{}`, false},
		{"a null call", `{"call_id":null}`, false},
		{"no UUID", `{"call_id":"*"}`, false},
		{"a query", `{"call_id":"` + call + `","query":{"match_all":{}}}`, false},
		{"another agent", `{"call_id":"` + call + `","agent":"jane"}`, false},
		{"an object", `{"call_id":{"wildcard":"*"}}`, false},
		{"a list", `["` + call + `"]`, false},
		{"upper case", `{"call_id":"` + strings.ToUpper(call) + `"}`, false},
		{"braces", `{"call_id":"{` + call + `}"}`, false},
		{"a URN", `{"call_id":"urn:uuid:` + call + `"}`, false},
		{"two values", `{"call_id":"` + call + `"} {}`, false},
		{"an API Gateway event", `{"body":"{}","httpMethod":"GET"}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &counter{}
			h := &Handler{Tenant: "acme", Counter: c}
			answer, err := h.Handle(t.Context(), json.RawMessage(test.event))
			if (err == nil) != test.want || (len(c.asked) == 1) != test.want {
				t.Fatalf("answered %+v, %v; asked %v", answer, err, c.asked)
			}
			if !test.want {
				return
			}
			if text, err := json.Marshal(answer); err != nil || string(text) != `{"found":{"apimetric":2}}` || c.asked[0] != call {
				t.Errorf("answered %s, %v", text, err)
			}
		})
	}
}

func TestHandleKeepsSearchsWordsToItself(t *testing.T) {
	t.Parallel()
	h := &Handler{Tenant: "acme", Counter: &counter{err: errors.New("jane.doe called")}}
	answer, err := h.Handle(t.Context(), json.RawMessage(`{"call_id":"`+call+`"}`))
	if err == nil || strings.Contains(err.Error(), "jane") || answer.Found != nil {
		t.Errorf("answered %+v, %v", answer, err)
	}
}
