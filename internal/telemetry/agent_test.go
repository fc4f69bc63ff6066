package telemetry

import (
	"maps"
	"testing"

	"github.com/earshot-hq/earshot/internal/agents"
)

// known is a directory with one agent.
func known(tb testing.TB) *agents.Directory {
	tb.Helper()
	d := &agents.Directory{
		InstanceARN: "arn:i", TakenAt: base, Groups: []agents.Group{{ID: "g", Path: []string{"EMEA", "North", "Berlin", "Orders", "Late"}}},
		RoutingProfiles: []agents.RoutingProfile{{ID: "p", Name: "Retail Voice"}},
		Agents:          []agents.Agent{{Username: "mira.holm", ID: "a", Name: "Mira Holm"}},
	}
	text, err := d.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	read, err := agents.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return read
}

// Every document of an agent says where they stand, whatever its kind; those of whom the directory does not know say that.
func TestDocumentsSayWhereTheAgentStands(t *testing.T) {
	t.Parallel()
	at := `"timestamp":"2026-11-24T08:59:00Z"`
	bodies := map[string]string{
		KindStreamStats: `"softphoneStreamStatistics":[{"softphoneStreamType":"audio_input",` + at + `}]}`,
		KindAPIMetric:   `"API_METRIC":[{"name":"getAgentSnapshot","time":3,` + at + `}]}`,
		KindCallReport:  `"report":{"callEndTime":"2026-11-24T08:59:00Z"}}`,
	}
	place := map[string]any{
		"agentKnown": true, "agentArn": "arn:i/agent/a", "agentName": "Mira Holm", "routingProfileArn": "arn:i/routing-profile/p",
		"hierarchyL1": "EMEA", "hierarchyL2": "North", "hierarchyL3": "Berlin", "hierarchyL4": "Orders", "hierarchyL5": "Late",
	}
	rows := []struct {
		name, sender string
		book         agents.Book
		want         map[string]any
		isStranger   bool
	}{
		{"known", `{"agent":"mira.holm","connectInstance":"acme",`, agents.Book{"acme": known(t)}, place, false},
		{"known, old sender", `{"agent":"mira.holm",`, agents.Book{"acme": known(t)}, place, false},
		{"stranger", `{"agent":"mallory","connectInstance":"acme",`, agents.Book{"acme": known(t)}, map[string]any{"agentKnown": false}, true},
		{"no directory", `{"agent":"mira.holm","connectInstance":"acme",`, agents.Book{"acme": nil}, map[string]any{}, false},
		{"nobody knows", `{"agent":"mira.holm","connectInstance":"acme",`, nil, map[string]any{}, false},
		{"the synthetic call", `{"agent":"earshot.probe",`, agents.Book{"acme": known(t)}, map[string]any{}, false},
	}
	for _, row := range rows {
		for kind, body := range bodies {
			a := arrival()
			plain := mustDecode(t, kind, []byte(row.sender+body), a)
			a.Agents = row.book
			batch := mustDecode(t, kind, []byte(row.sender+body), a)
			got := map[string]any{}
			for name, value := range docs(t, batch)[0] {
				if _, isOurs := place[name]; isOurs {
					got[name] = value
				}
			}
			if !maps.Equal(got, row.want) || batch.UnknownAgent != row.isStranger {
				t.Errorf("%s, %s: %v, a stranger: %v", row.name, kind, got, batch.UnknownAgent)
			}
			if batch.Envelope.Records[0].ID != plain.Envelope.Records[0].ID {
				t.Errorf("%s, %s: the directory changes the document's id", row.name, kind)
			}
		}
	}
}
