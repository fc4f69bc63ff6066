package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/earshot-hq/earshot/e2e/world"
)

// health is what the admin API says of a tenant, as far as it is looked at here.
type health struct {
	Figures struct {
		Calls        int     `json:"calls"`
		RecordsIn    int     `json:"records_in"`
		Indexed      int     `json:"indexed"`
		LagP95Millis float64 `json:"lag_p95_millis"`
	} `json:"figures"`
	Queue       *struct{}        `json:"queue"`
	DeadLetters *int             `json:"dead_letters"`
	Unreadable  []map[string]any `json:"unreadable"`
}

// TestHealthTellsOfACall sends a call and reads from the admin API what became of it: what the functions counted, read by an
// identity that may look and nothing else. A line of the log comes a moment after what it counts.
func TestHealthTellsOfACall(t *testing.T) {
	w, tenants := neighbours(t)
	before := healthOf(t, w, acme.String())
	call := send(t, w, tenants[acme], "health.of.a.call")
	records := 0
	for _, n := range call.Documents() {
		records += n
	}
	var after health
	world.Eventually(t, world.ArriveTime, "the call's figures", func(context.Context) (bool, string) {
		after = healthOf(t, w, acme.String())
		return after.Figures.Indexed-before.Figures.Indexed >= records, fmt.Sprintf("%+v", after)
	})
	if got := after.Figures.Calls - before.Figures.Calls; got != 1 {
		t.Errorf("%d calls more, want 1", got)
	}
	if in, indexed := after.Figures.RecordsIn-before.Figures.RecordsIn, after.Figures.Indexed-before.Figures.Indexed; in != records || indexed != records {
		t.Errorf("%d records in, %d indexed, want %d", in, indexed, records)
	}
	if after.Figures.LagP95Millis <= 0 || after.Queue == nil || after.DeadLetters == nil {
		t.Errorf("health is %+v", after)
	}
}

func healthOf(t *testing.T, w *world.World, tenant string) (h health) {
	t.Helper()
	status, body := w.Call(t, http.MethodGet, "/v1/tenants/"+tenant+"/health", nil)
	text, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %v: %v", status, body, err)
	}
	return h
}
