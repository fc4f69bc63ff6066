package launch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestQueryIsWhatAPersonMayPaste(t *testing.T) {
	t.Parallel()
	search := SearchAccess{URL: "https://127.0.0.1:9200", Username: "admin", Password: "s3cret", CAFile: "/tmp/ca.pem"}
	sent := time.Date(2026, 11, 25, 8, 44, 10, 0, time.FixedZone("CET", 3600))
	text := query(search, "acme", sent, map[string]int{"softphonestreamstats": 1440, "apimetric": 54}, []string{"c1", "c2"})
	for _, want := range []string{"1440 documents in acme-softphonestreamstats-*", "--cacert /tmp/ca.pem -u admin:s3cret", "https://127.0.0.1:9200/acme-*/_search"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	_, body, _ := strings.Cut(text, "-d '")
	body = strings.TrimSuffix(body, "'")
	if !json.Valid([]byte(body)) || !strings.Contains(body, `["c1","c2"]`) || !strings.Contains(body, "2026-11-25T07:44:10Z") {
		t.Errorf("the body is %s", body)
	}
}
