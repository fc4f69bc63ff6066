package searchtenant_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// put makes an index with a document, behind the administrator's back.
func put(t *testing.T, index string) {
	t.Helper()
	if status, text := do(t, as(t, "", ""), http.MethodPut, "/"+index+"/_doc/1?refresh=true", `{"x":1}`); status != http.StatusCreated {
		t.Fatal(index, status, text)
	}
}

// there lists the indices of a tenant.
func there(t *testing.T, s slug.Slug) []string {
	t.Helper()
	_, text := do(t, as(t, "", ""), http.MethodGet, "/_cat/indices/"+s.IndexPattern()+"?h=index&expand_wildcards=all", "")
	return slices.Sorted(strings.FieldsSeq(text))
}

func TestWholeExpiredIndicesGoAndNothingElse(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	neighbour := testenv.Slug(t)
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	expired := []string{
		s.Index("apimetric", "2026.11.23"), s.Index("softphonestreamstats", "2026.10"), s.Index("softphonestreamstats", "2026.q3"),
		s.Index("softphonecallreport", "2025"), s.Index("callsummary", "2026.w47"),
	}
	kept := []string{
		s.Index("apimetric", "2026.11.24"), s.Index("softphonestreamstats", "2026.11"), s.Index("softphonestreamstats", "2026.q4"),
		s.Index("softphonecallreport", "2026"), s.Index("callsummary", "2026.w48"), s.Index("apimetric", "manual"),
		s.String() + "-2020", s.Index("other", "kind-2020"),
	}
	foreign := []string{neighbour.Index("apimetric", "2020"), s.String() + "x-apimetric-2020"}
	for _, name := range slices.Concat(expired, kept, foreign) {
		put(t, name)
	}
	slices.Sort(expired)

	due, err := admin.Expired(t.Context(), s, midnight)
	if err != nil || !slices.Equal(due, expired) {
		t.Errorf("due are %v, %v, want %v", due, err, expired)
	}
	// Only what is asked for and due: an index that is not named stays, and a name that is not due does not help.
	first, err := admin.Expire(t.Context(), s, midnight, slices.Concat(expired[:1], kept, foreign))
	if err != nil || !slices.Equal(first, expired[:1]) {
		t.Errorf("deleted %v, %v, want %v", first, err, expired[:1])
	}
	rest, err := admin.Expire(t.Context(), s, midnight, expired)
	if err != nil || !slices.Equal(rest, expired[1:]) {
		t.Errorf("deleted %v, %v, want %v", rest, err, expired[1:])
	}
	if again, err := admin.Expire(t.Context(), s, midnight, expired); err != nil || len(again) > 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	slices.Sort(kept)
	if got := there(t, s); !slices.Equal(got, kept) {
		t.Errorf("left are %v, want %v", got, kept)
	}
	if got := there(t, neighbour); len(got) != 1 {
		t.Errorf("the neighbour has %v", got)
	}
}

// A record at midnight is in the period that begins then. At the very end of the retention of the one before, it stays.
func TestTheDocumentAtMidnightIsNotLost(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) // a Monday
	for _, period := range []tenant.Period{tenant.Day, tenant.Week} {
		periods := telemetry.Periods{telemetry.KindAPIMetric: {{Period: period}}}
		before := s.Index(telemetry.KindAPIMetric, periods.Suffix(telemetry.KindAPIMetric, telemetry.InstantOf(midnight.Add(-time.Millisecond))))
		at := s.Index(telemetry.KindAPIMetric, periods.Suffix(telemetry.KindAPIMetric, telemetry.InstantOf(midnight)))
		put(t, before)
		put(t, at)
		if due, err := admin.Expired(t.Context(), s, midnight.Add(-time.Millisecond)); err != nil || len(due) > 0 {
			t.Errorf("%s: due before its end: %v, %v", period, due, err)
		}
		if gone, err := admin.Expire(t.Context(), s, midnight, []string{before, at}); err != nil || !slices.Equal(gone, []string{before}) {
			t.Errorf("%s: deleted %v, %v, want %s", period, gone, err, before)
		}
		if got := there(t, s); !slices.Contains(got, at) {
			t.Errorf("%s: %s is gone: %v", period, at, got)
		}
	}
}

func TestExpireTakesOneTenantOnly(t *testing.T) {
	t.Parallel()
	m := &meter{spoil: func(int, *http.Request) (*http.Response, error) {
		t.Error("search was asked")
		return answerOf(http.StatusBadRequest), nil
	}}
	for _, s := range []slug.Slug{"", "*", "a", "acme,beta", "acme-eu", "_all", "earshot"} {
		if _, err := searchtenant.New(m, options()).Expired(t.Context(), s, time.Now()); err == nil {
			t.Errorf("%q was taken for a tenant", s)
		}
	}
}
