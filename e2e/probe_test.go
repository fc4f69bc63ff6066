package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// TestAttackProbe asks a tenant's probe, in every way, about an agent who is not the probe's own. It answers counts of nothing,
// or one of its two sentences.
func TestAttackProbe(t *testing.T) {
	w, tenants := neighbours(t)
	agent := fmt.Sprintf("asked.about.%d", time.Now().UnixNano())
	call := send(t, w, tenants[acme], agent)
	batch, contact := idsOf(t, w, agent)
	if contact != call.ContactID() {
		t.Fatalf("the documents are of contact %s, sent was %s", contact, call.ContactID())
	}
	synthetic, _ := idsOf(t, w, telemetry.ProbeAgent)
	function := acme.FunctionName("probe")
	cell := w.InCell(t)
	if answer := world.Invoke(t, cell, function, []byte(`{"call_id":"`+synthetic+`"}`)); tellsNothing(answer) || !strings.Contains(answer, telemetry.KindCallReport) {
		t.Fatalf("asked for its own call it says %s", answer)
	}
	if answer := world.Invoke(t, cell, acmeeu.FunctionName("probe"), []byte(`{"call_id":"`+synthetic+`"}`)); !tellsNothing(answer) {
		t.Errorf("the neighbour's probe says %s", answer)
	}
	questions := []string{
		`{"call_id":"` + batch + `"}`, `{"call_id":"` + contact + `"}`, `{"call_id":"00000000-0000-0000-0000-000000000000"}`,
		`{"call_id":"*"}`, `{"call_id":""}`, `{"call_id":null}`, `{"call_id":["` + batch + `"]}`, `{"call_id":{"wildcard":"*"}}`,
		`{"call_id":"` + batch + `","agent":"` + agent + `"}`, `{"call_id":"` + batch + `","probe":false}`,
		`{"call_id":"` + batch + `","query":{"match_all":{}}}`, `{"call_id":"` + batch + `","index":"acmeeu-*"}`,
		`{"call_id":"` + batch + `","tenant":"acmeeu"}`, `{"CALL_ID":"` + batch + `"}`, `{"call_id":"` + batch + `"} {"x":1}`,
		`{"call_id":"` + batch + `","call_id":"` + contact + `"}`, `{"call_id":"` + batch + `\u0000"}`,
		`{"call_id":"` + batch + `\" OR probe:false"}`, `{"call_id":"` + strings.ToUpper(batch) + `"}`, `{"call_id":"urn:uuid:` + batch + `"}`,
		`{"call_id":"` + strings.Repeat("a", 100_000) + `"}`, strings.Repeat("[", 500) + strings.Repeat("]", 500), `"` + batch + `"`, `[]`, `null`, `1`, `{}`, ` `,
		`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, `{"httpMethod":"POST","path":"/","body":"{\"call_id\":\"` + batch + `\"}"}`,
		`{"RequestType":"Delete","ResponseURL":"http://127.0.0.1:1/","StackId":"x","ResourceProperties":{"Slug":"acme"}}`,
		`{"action":"purge","slug":"acme"}`, `{"action":"sweep","slug":"acme"}`,
	}
	for who, as := range map[string]aws.Config{"the worker": cell, "root": w.AWS()} {
		for _, question := range questions {
			if answer := world.Invoke(t, as, function, []byte(question)); !tellsNothing(answer) {
				t.Errorf("%s asks %.120s and hears %.300s", who, question, answer)
			}
		}
	}
}

// idsOf returns the batch and the contact of acme's newest report of an agent.
func idsOf(t *testing.T, w *world.World, agent string) (batch, contact string) {
	t.Helper()
	_, raw := w.Search(t.Context(), t, http.MethodPost, "/"+acme.KindPattern(telemetry.KindCallReport)+"/_search?size=1", map[string]any{
		"query": world.AgentIs(agent), "sort": []any{map[string]any{"ingest.receivedAt": "desc"}},
	})
	var found struct {
		Hits struct {
			Hits []struct {
				Source struct {
					Ingest struct{ BatchID string }
					Doc    struct{ ContactID string }
				} `json:"_source"`
			}
		}
	}
	if err := json.Unmarshal(raw, &found); err != nil || len(found.Hits.Hits) != 1 {
		t.Fatalf("the report of %s: %.300s (%v)", agent, raw, err)
	}
	source := found.Hits.Hits[0].Source
	return source.Ingest.BatchID, source.Doc.ContactID
}

// tellsNothing reports whether a probe's answer holds no count but of nothing, and no word but its own.
func tellsNothing(answer string) bool {
	decoder := json.NewDecoder(strings.NewReader(answer))
	decoder.DisallowUnknownFields()
	var said struct {
		Found        map[string]int `json:"found"`
		ErrorMessage string         `json:"errorMessage"`
		ErrorType    string         `json:"errorType"`
	}
	if err := decoder.Decode(&said); err != nil {
		return false
	}
	for kind, n := range said.Found {
		if n != 0 || !slices.Contains([]string{telemetry.KindStreamStats, telemetry.KindCallReport, telemetry.KindAPIMetric}, kind) {
			return false
		}
	}
	ownWords := said.ErrorMessage == `send {"call_id": "<uuid>"} and nothing else` && said.ErrorType == "errorString"
	return (len(said.Found) == 3) != ownWords
}
