package agentstore_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
)

// list names instances as a stack does.
func list(t *testing.T, aliases ...string) string {
	t.Helper()
	entries := make([]map[string]string, 0, len(aliases))
	for _, alias := range aliases {
		entries = append(entries, map[string]string{"alias": alias, "arn": "a", "roleArn": "r"})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocked is a connection that answers nothing until it is released, and then breaks.
type blocked struct{ stuck, release chan struct{} }

func (b blocked) Do(*http.Request) (*http.Response, error) {
	close(b.stuck)
	<-b.release
	return nil, errors.New("released")
}
