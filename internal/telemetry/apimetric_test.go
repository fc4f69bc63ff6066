package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAPIMetrics(t *testing.T) {
	t.Parallel()
	all := docs(t, mustDecode(t, KindAPIMetric, readFile(t, "apimetrics-one-fault.json"), arrival()))
	for i, want := range []string{
		"map[agent:mira.holm error:false fault:false getAgentSnapshot:61 name:getAgentSnapshot statusCode:200 time:61 timestamp:2026-11-24T09:15:02.101Z]",
		"map[acceptContact:143 agent:mira.holm error:false fault:false name:acceptContact statusCode:200 time:143 timestamp:2026-11-24T09:15:03.500Z]",
		"map[agent:mira.holm error:true fault:true name:sendSoftphoneCallMetrics sendSoftphoneCallMetrics:5021 statusCode:503 time:5021 timestamp:2026-11-24T09:15:29.999Z]",
	} {
		if got := fmt.Sprint(all[i]); got != want {
			t.Errorf("metric %d is %s", i, got)
		}
	}
}

// Only methods of Connect's client become fields.
func TestNamesOfMetrics(t *testing.T) {
	t.Parallel()
	body := func(name string) []byte {
		return []byte(`{"agent":"a","API_METRIC":[{"name":` + name + `,"time":"61","timestamp":1795510772000,"error":"x","other":1}]}`)
	}
	for _, name := range []string{"timestamp", "agent", "mine", "doc.getAgentSnapshot", "GETAGENTSNAPSHOT", "Ж", "AgentAppService.Lcms.getContact"} {
		batch := mustDecode(t, KindAPIMetric, body(`"`+name+`"`), arrival())
		doc := docs(t, batch)[0]
		if len(doc) != 6 || doc["name"] != name || doc["time"] != 61.0 || doc["error"] != true || len(unlisted(t, batch)) > 0 || batch.DroppedMembers != 1 {
			t.Errorf("%s: %v", name, doc)
		}
	}
	for sent, code := range map[string]string{
		`""`: "name_missing", `7`: "name_missing", `null`: "name_missing", `"a\u0000"`: "name_invalid",
		`"` + strings.Repeat("n", 257) + `"`: "name_invalid",
	} {
		batch, err := Decode(KindAPIMetric, body(sent), arrival())
		if !errors.Is(err, ErrNoUsableRecord) || batch.Rejected[0].Code != code || batch.Rejected[0].Detail == "" {
			t.Errorf("%.20s: %v %+v", sent, err, batch.Rejected)
		}
	}
	batch, err := Decode(KindAPIMetric, []byte(`{"agent":"a","API_METRIC":[7,{"name":"x"}]}`), arrival())
	if !errors.Is(err, ErrNoUsableRecord) || len(batch.Rejected) != 2 {
		t.Errorf("%v %+v", err, batch.Rejected)
	}
}

// Two measurements of one millisecond are two; one measurement that two tabs post is one.
func TestIDsOfMetrics(t *testing.T) {
	t.Parallel()
	metric := func(name, time, status string) string {
		return `{"name":"` + name + `","time":` + time + `,"timestamp":1795510772000,"optionalDimensions":[{"name":"HttpStatusCode","value":` + status + `}]}`
	}
	body := func(metrics ...string) string {
		return `{"agent":"a","API_METRIC":[` + strings.Join(metrics, ",") + `]}`
	}
	all := ids(t, KindAPIMetric, body(metric("x", "1", "200"), metric("y", "1", "200"), metric("x", "2", "200"), metric("x", "1", "500"), metric("x", "1", "200")))
	unique := map[string]bool{}
	for _, id := range all {
		unique[id] = true
		if len(strings.TrimSuffix(id, ".2")) != 12+4+8 {
			t.Errorf("id %s", id)
		}
	}
	if len(unique) != 5 || all[4] != all[0]+".2" {
		t.Errorf("ids %v", all)
	}
	if again := ids(t, KindAPIMetric, body(metric("y", "1", `"200"`))); again[0] != all[1] {
		t.Errorf("the other tab has %s, not %s", again[0], all[1])
	}
}
