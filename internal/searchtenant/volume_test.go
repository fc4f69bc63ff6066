package searchtenant_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// What a kind makes a day is what its indices of the last weeks hold, over the time that its documents span: neither what is old,
// nor what is a neighbour's, nor a kind of a few days says anything.
func TestVolumesAreOfTheLastWeeks(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	neighbour := testenv.Slug(t)
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	root := as(t, "", "")
	fill := func(index, at string) {
		t.Helper()
		if status, text := do(t, root, http.MethodPost, "/"+index+"/_doc?refresh=true", fmt.Sprintf(`{"@timestamp":%q}`, at)); status != http.StatusCreated {
			t.Fatal(index, status, text)
		}
	}
	fill(s.Index(telemetry.KindStreamStats, "2026.q4"), "2026-11-19T00:00:00Z") // ten days, in an index that is made today
	fill(s.Index(telemetry.KindAPIMetric, "2026.q4"), "2026-11-24T00:00:00Z")   // five days
	fill(s.Index(telemetry.KindCallReport, "2026.09"), "2026-09-02T00:00:00Z")  // long over
	fill(s.Index(telemetry.KindCallSummary, "2026.10"), "2026-10-02T00:00:00Z")
	fill(s.Index(telemetry.KindCallSummary, "2026.11"), "2026-11-28T00:00:00Z")
	fill(neighbour.Index(telemetry.KindAPIMetric, "2026.q4"), "2026-10-02T00:00:00Z")

	volumes, err := admin.Volumes(t.Context(), s, now)
	if err != nil {
		t.Fatal(err)
	}
	size := func(pattern string) (bytes int64) {
		t.Helper()
		_, text := do(t, root, http.MethodGet, "/_cat/indices/"+pattern+"?h=pri.store.size&bytes=b", "")
		for _, field := range strings.Fields(text) {
			one, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			bytes += one
		}
		return bytes
	}
	if got, want := volumes[telemetry.KindStreamStats], size(s.KindPattern(telemetry.KindStreamStats))/10; got < want-1 || got > want+1 {
		t.Errorf("seconds make %d bytes a day, want %d", got, want)
	}
	if got, want := volumes[telemetry.KindCallSummary], size(s.KindPattern(telemetry.KindCallSummary))/58; got < want-1 || got > want+1 {
		t.Errorf("summaries make %d bytes a day, want %d", got, want)
	}
	if len(volumes) != 2 {
		t.Errorf("%v, want two kinds", volumes)
	}
}
