package searchtenant_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

func left(t *testing.T, admin *searchtenant.Admin, s slug.Slug) []string {
	t.Helper()
	list, err := admin.Left(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestApplyWritesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	_, s := setup(t)
	m := &meter{next: as(t, "", "")}
	admin := searchtenant.New(m, options())
	apply(t, admin, grant(s, stackA))
	if writes := m.reset(); len(writes) != 1+3+2+3+4+3 {
		t.Errorf("the first time wrote %q", writes)
	}
	apply(t, admin, grant(s, stackA))
	if writes := m.reset(); len(writes) != 0 {
		t.Errorf("the second time wrote %q", writes)
	}
	rotated := grant(s, stackA)
	rotated.Reader.Password = "another secret of the reader"
	apply(t, admin, rotated)
	if writes := m.reset(); len(writes) != 1 || !strings.Contains(writes[0], "internalusers/"+s.ReaderRole()) {
		t.Errorf("a changed secret wrote %q", writes)
	}
	if status, text := do(t, as(t, s.ReaderRole(), "another secret of the reader"), http.MethodGet, "/"+s.IndexPattern()+"/_count", ""); status != http.StatusOK {
		t.Errorf("the changed secret is refused: %d %s", status, text)
	}
	if status, _ := do(t, as(t, s.ReaderRole(), "of the reader "+s.String()), http.MethodGet, "/"+s.IndexPattern()+"/_count", ""); status != http.StatusUnauthorized {
		t.Errorf("the old secret gets %d", status)
	}
}

func TestApplyRepairsWhatSomebodyChanged(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	role := "roles/" + s.ReaderRole()
	wide := `{"cluster_permissions":["*"],"index_permissions":[{"index_patterns":["*"],"allowed_actions":["*"]}],"tenant_permissions":[]}`
	putSecurity(t, role, wide)
	apply(t, admin, grant(s, stackA))
	if _, text := do(t, as(t, "", ""), http.MethodGet, "/_plugins/_security/api/"+role, ""); strings.Contains(text, `"*"`) {
		t.Errorf("the role is still %s", text)
	}
}

func TestOrdersOfCloudFormation(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	for _, step := range []struct {
		name, do, stack string
		want            bool // access afterwards
	}{
		{"deleted before it was created", "delete", stackA, false},
		{"created", "create", stackA, true},
		{"created twice", "create", stackA, true},
		{"deleted", "delete", stackA, false},
		{"deleted twice", "delete", stackA, false},
		{"created again", "create", stackA, true},
		{"created by a newer stack", "create", stackB, true},
		{"a late delete of the older stack", "delete", stackA, true},
		{"deleted by the newer one", "delete", stackB, false},
	} {
		var err error
		if step.do == "create" {
			err = admin.Apply(t.Context(), grant(s, step.stack))
		} else {
			err = admin.Revoke(t.Context(), s, step.stack)
		}
		if err != nil {
			t.Fatal(step.name, err)
		}
		what := left(t, admin, s)
		has := slices.ContainsFunc(what, func(what string) bool { return strings.Contains(what, "roles/") })
		if has != step.want {
			t.Errorf("%s: left %q", step.name, what)
		}
	}
}

func TestRevokeKeepsDataAndPurgeDoesNot(t *testing.T) {
	t.Parallel()
	admin, a, b := neighbours(t)
	root := as(t, "", "")
	for _, s := range []slug.Slug{a, b} {
		if status, text := bulk(t, root, stats(s), "1", record); status != http.StatusCreated {
			t.Fatal(status, text)
		}
		object := `{"index":{"_id":"dashboard:1"}}` + "\n" + `{"type":"dashboard"}` + "\n"
		if status, text := do(t, root, http.MethodPost, "/.kibana/_bulk", object, "securitytenant", s.Space()); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	if err := admin.Revoke(t.Context(), a, stackA); err != nil {
		t.Fatal(err)
	}
	kept := strings.Join(left(t, admin, a), "\n")
	for _, want := range []string{"index " + stats(a), "index .kibana_", "index template " + a.IndexTemplate(telemetry.KindAPIMetric), "tenants/" + a.Space()} {
		if !strings.Contains(kept, want) {
			t.Errorf("%q is not among what is left:\n%s", want, kept)
		}
	}
	before := left(t, admin, b)
	for range 2 {
		if err := admin.Purge(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if got := left(t, admin, a); len(got) != 0 {
		t.Errorf("left after the purge: %q", got)
	}
	if got := left(t, admin, b); !slices.Equal(got, before) {
		t.Errorf("the neighbour had %q and has %q", before, got)
	}
}

func TestManyAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	const tenants = 3
	var wait sync.WaitGroup
	for range tenants {
		admin, s := setup(t)
		wait.Go(func() {
			if err := admin.Apply(t.Context(), grant(s, stackA)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

func TestPassingFailuresAreRepeated(t *testing.T) {
	t.Parallel()
	_, s := setup(t)
	spoilt := map[int]int{1: 403, 2: 503, 3: 502, 6: 409, 7: 403, 9: 409, 12: 429, 15: 0, 20: 409}
	m := &meter{next: as(t, "", ""), spoil: func(n int, _ *http.Request) (*http.Response, error) {
		status, isSpoilt := spoilt[n]
		switch {
		case !isSpoilt:
			return nil, nil
		case status == 0:
			return nil, errors.New("connection reset")
		}
		return answerOf(status), nil
	}}
	apply(t, searchtenant.New(m, options()), grant(s, stackA))
}

func TestFinalFailuresAreNot(t *testing.T) {
	t.Parallel()
	_, s := setup(t)
	m := &meter{next: as(t, "", ""), spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/roles/") {
			return answerOf(http.StatusBadRequest), nil
		}
		return nil, nil
	}}
	began := time.Now()
	err := searchtenant.New(m, options()).Apply(t.Context(), grant(s, stackA))
	if err == nil || !strings.Contains(err.Error(), "SPOILT") || time.Since(began) > 30*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	// The lock is free again at once.
	if err := searchtenant.New(as(t, "", ""), options()).Revoke(t.Context(), s, stackA); err != nil {
		t.Error(err)
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	m := &meter{spoil: func(int, *http.Request) (*http.Response, error) { return answerOf(http.StatusForbidden), nil }}
	impatient := options()
	impatient.Patience = 200 * time.Millisecond
	err := searchtenant.New(m, impatient).Apply(t.Context(), grant("acme", stackA))
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("got %v", err)
	}
}

func TestGrantReachesNobodyElse(t *testing.T) {
	t.Parallel()
	iam := options()
	iam.HasUsers = false
	tests := []struct {
		name    string
		options searchtenant.Options
		change  func(*searchtenant.Grant)
	}{
		{"another user's name", options(), func(g *searchtenant.Grant) { g.Writer.Username = "admin" }},
		{"the reader's for the writer", options(), func(g *searchtenant.Grant) { g.Writer.Username = g.Reader.Username }},
		{"no slug", options(), func(g *searchtenant.Grant) { g.Slug = "" }},
		{"a slug that is a pattern", options(), func(g *searchtenant.Grant) { g.Slug = "*" }},
		{"a user where there are none", iam, func(*searchtenant.Grant) {}},
		{"no role where IAM signs in", iam, func(g *searchtenant.Grant) {
			g.Writer, g.Reader = searchtenant.Identity{}, searchtenant.Identity{}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &meter{spoil: func(int, *http.Request) (*http.Response, error) {
				t.Error("search was asked")
				return answerOf(http.StatusBadRequest), nil
			}}
			g := grant("acme", stackA)
			test.change(&g)
			if err := searchtenant.New(m, test.options).Apply(t.Context(), g); err == nil {
				t.Error("the grant was taken")
			}
		})
	}
}

func TestIAMRolesAreMapped(t *testing.T) {
	t.Parallel()
	_, s := setup(t)
	iam := options()
	iam.HasUsers = false
	role := func(what string) searchtenant.Identity {
		return searchtenant.Identity{Principal: "arn:aws:iam::000000000000:role/" + s.ResourcePrefix() + what}
	}
	m := &meter{next: as(t, "", "")}
	admin := searchtenant.New(m, iam)
	apply(t, admin, searchtenant.Grant{Slug: s, StackID: stackA, Writer: role("indexer"), Reader: role("reader"), Editor: role("editor")})
	for _, write := range m.reset() {
		if strings.Contains(write, "internalusers") {
			t.Errorf("wrote %s", write)
		}
	}
	for name, principal := range map[string]string{
		s.WriterRole(): role("indexer").Principal, s.ReaderRole(): role("reader").Principal, s.EditorRole(): role("editor").Principal,
	} {
		_, text := do(t, as(t, "", ""), http.MethodGet, "/_plugins/_security/api/rolesmapping/"+name, "")
		var found map[string]struct {
			BackendRoles []string `json:"backend_roles"`
			Users        []string `json:"users"`
		}
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatal(err)
		}
		if got := found[name]; !slices.Equal(got.BackendRoles, []string{principal}) || len(got.Users) != 0 {
			t.Errorf("%s is mapped to %+v", name, got)
		}
	}
}

// TestTheGatewayMayAskForRoles: where the cluster keeps users, reader and editor are also given by the name that the gateway sends
// through Dashboards; the writer is not.
func TestTheGatewayMayAskForRoles(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	for name, want := range map[string][2][]string{ // users, backend roles
		s.WriterRole(): {{s.WriterRole()}, {}}, s.ReaderRole(): {{s.ReaderRole()}, {s.ReaderRole()}}, s.EditorRole(): {{}, {s.EditorRole()}},
	} {
		_, text := do(t, as(t, "", ""), http.MethodGet, "/_plugins/_security/api/rolesmapping/"+name, "")
		var found map[string]struct {
			BackendRoles []string `json:"backend_roles"`
			Users        []string `json:"users"`
		}
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatal(err)
		}
		if got := found[name]; !slices.Equal(got.Users, want[0]) || !slices.Equal(got.BackendRoles, want[1]) {
			t.Errorf("%s is mapped to %+v", name, got)
		}
	}
}

func TestIndicesThatExistGetTheFieldsThatTheyLack(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	root := as(t, "", "")
	old := `{"mappings":{"dynamic":"strict","properties":{"@timestamp":{"type":"date"},"doc":{"properties":{"packetsLost":{"type":"long"}}}}}}`
	if status, text := do(t, root, http.MethodPut, "/"+stats(s), old); status != http.StatusOK {
		t.Fatal(status, text)
	}
	apply(t, admin, grant(s, stackA))
	if status, text := bulk(t, as(t, s.WriterRole(), "of the writer "+s.String()), stats(s), "1", record); status != http.StatusCreated {
		t.Errorf("%d %s", status, text)
	}
}

// After an update has put a newer template in place, one search for a field that is new finds it in the index of an old period,
// in the present one, and in the next.
func TestOldPeriodsStayQueryableAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	root := as(t, "", "")
	index := func(period string) string { return s.Index("softphonestreamstats", period) }
	// An older release's template, and an index of it with a document.
	template := `{"index_patterns":["` + s.KindPattern("softphonestreamstats") + `"],"priority":200,"_meta":{"version":"old"},
		"template":{"mappings":{"dynamic":"strict","properties":{"@timestamp":{"type":"date"},"doc":{"properties":{"packetsLost":{"type":"long"}}}}}}}`
	if status, text := do(t, root, http.MethodPut, "/_index_template/"+s.IndexTemplate("softphonestreamstats"), template); status != http.StatusOK {
		t.Fatal(status, text)
	}
	old := `{"@timestamp":"2026-09-30T09:00:00.000Z","doc":{"packetsLost":1}}`
	if status, text := bulk(t, root, index("2026.q3"), "old", old); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	fresh := `{"@timestamp":"2026-09-30T10:00:00.000Z","doc":{"packetsLost":1,"mos":4.25}}`
	if status, _ := bulk(t, root, index("2026.q3"), "early", fresh); status != http.StatusBadRequest {
		t.Fatalf("the old index takes a field that it does not know: %d", status)
	}
	apply(t, admin, grant(s, stackA))
	writer := as(t, s.WriterRole(), "of the writer "+s.String())
	for _, period := range []string{"2026.q3", "2026.q4"} {
		if status, text := bulk(t, writer, index(period), "new", fresh); status != http.StatusCreated {
			t.Errorf("%s: %d %s", period, status, text)
		}
	}
	if status, text := do(t, root, http.MethodPost, "/"+s.KindPattern("softphonestreamstats")+"/_refresh", ""); status != http.StatusOK {
		t.Fatal(status, text)
	}
	reader := as(t, s.ReaderRole(), "of the reader "+s.String())
	for query, want := range map[string]string{`{"range":{"doc.mos":{"gte":4}}}`: `"count":2`, `{"term":{"doc.packetsLost":1}}`: `"count":3`} {
		status, text := do(t, reader, http.MethodPost, "/"+s.KindPattern("softphonestreamstats")+"/_count", `{"query":`+query+`}`)
		if status != http.StatusOK || !strings.Contains(text, want) || !strings.Contains(text, `"failed":0`) {
			t.Errorf("%s: %d %s, want %s", query, status, text, want)
		}
	}
}

func TestNumbersAndIDsAreFoundWithoutAnIndex(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	source := `{"@timestamp":"2026-11-24T09:00:00.000Z","ingest":{"batchId":"0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21"},"doc":{"packetsLost":3,"mos":3.25}}`
	if status, text := bulk(t, as(t, s.WriterRole(), "of the writer "+s.String()), stats(s), "1", source); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	if status, text := do(t, as(t, "", ""), http.MethodPost, "/"+stats(s)+"/_refresh", ""); status != http.StatusOK {
		t.Fatal(status, text)
	}
	reader := as(t, s.ReaderRole(), "of the reader "+s.String())
	for query, want := range map[string]string{
		"doc.packetsLost:3":                  `"count":1`,
		"doc.mos:[3 TO 3.5]":                 `"count":1`,
		"doc.mos:>=3.5 OR doc.packetsLost:2": `"count":0`,
		`ingest.batchId.keyword:\"0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21\"`: `"count":1`,
	} {
		status, text := do(t, reader, http.MethodPost, "/"+stats(s)+"/_count", `{"query":{"query_string":{"query":"`+query+`"}}}`)
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", query, status, text, want)
		}
	}
}

// Whoever clicks on a value in Dashboards, or writes it in quotes, asks for a phrase.
func TestTextsAreFoundByWordsAndByPhrases(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	source := `{"@timestamp":"2026-11-24T09:00:00.000Z","doc":{"contactQueue":"Orders EMEA","contactId":"0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21"}}`
	if status, text := bulk(t, as(t, s.WriterRole(), "of the writer "+s.String()), stats(s), "1", source); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	if status, text := do(t, as(t, "", ""), http.MethodPost, "/"+stats(s)+"/_refresh", ""); status != http.StatusOK {
		t.Fatal(status, text)
	}
	reader := as(t, s.ReaderRole(), "of the reader "+s.String())
	for query, want := range map[string]string{
		`{"match":{"doc.contactQueue":"orders"}}`:                                   `"count":1`,
		`{"match_phrase":{"doc.contactQueue":"Orders EMEA"}}`:                       `"count":1`,
		`{"match_phrase":{"doc.contactQueue":"EMEA Orders"}}`:                       `"count":0`,
		`{"match_phrase":{"doc.contactId":"0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21"}}`: `"count":1`,
		`{"match_phrase":{"doc.contactQueue.keyword":"Orders EMEA"}}`:               `"count":1`,
	} {
		status, text := do(t, reader, http.MethodPost, "/"+stats(s)+"/_count", `{"query":`+query+`}`)
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", query, status, text, want)
		}
	}
}
