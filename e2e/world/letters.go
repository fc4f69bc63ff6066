package world

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"slices"
	"testing"
)

var invited = regexp.MustCompile(`with the password (\S+), which`)

// Invitation reads, in the latest letter that the emulator's mail service took for somebody, the password to begin with.
func (w *World) Invitation(t *testing.T, to string) string {
	t.Helper()
	_, _, text := Ask(t, http.MethodGet, w.AWSEndpoint+"/_ministack/ses/messages", nil)
	var sent struct {
		Messages map[string][]struct {
			To       []string
			BodyHTML string `json:"BodyHtml"`
		}
	}
	if err := json.Unmarshal(text, &sent); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	for _, letters := range sent.Messages {
		for _, letter := range slices.Backward(letters) {
			if found := invited.FindStringSubmatch(letter.BodyHTML); found != nil && slices.Contains(letter.To, to) {
				return html.UnescapeString(found[1])
			}
		}
	}
	t.Fatalf("no letter invites %s", to)
	return ""
}
