package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/feed"
)

var roles = []access.Role{access.Owner, access.Operator, access.Auditor}

// twoTenants are whom the token "scoped" reaches.
var twoTenants = []string{"00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"}

// tokens recognises the name of a role as its bearer's token, the same with the ids of tenants after an @, and an auditor of two
// tenants.
type tokens struct{}

func (tokens) Verify(_ context.Context, token string) (access.Actor, error) {
	if name, ids, found := strings.Cut(token, "@"); found && slices.Contains(roles, access.Role(name)) {
		return access.Actor{Subject: token, Role: access.Role(name), Scope: access.Scope{TenantIDs: strings.FieldsFunc(ids, func(r rune) bool { return r == ',' })}}, nil
	}
	if role := access.Role(token); slices.Contains(roles, role) {
		return access.Actor{Subject: token, Name: token + "@earshot.example", Role: role, Scope: access.Scope{All: true}}, nil
	}
	if token == "scoped" {
		return access.Actor{Subject: token, Role: access.Auditor, Scope: access.Scope{TenantIDs: twoTenants}}, nil
	}
	return access.Actor{}, access.ErrUnauthenticated
}

// A shredder is the ledger of tests without a database.
type shredder struct{ access.Ledger }

func (shredder) Refuse(context.Context, access.Actor, access.Refusal) error { return nil }

// everybody may come in where there is no database.
type everybody struct{ access.Keys }

func (everybody) Seen(context.Context, access.Actor) error { return nil }

// A world is an API over a database of its own.
type world struct {
	url string
	db  postgrestest.Database
	api *api.API
}

func setup(t *testing.T) world {
	t.Helper()
	db := postgrestest.New(t, testenv.Postgres(t))
	news := feed.New(feed.Config{History: db, Listen: db.Listen, Log: slog.New(slog.DiscardHandler), Every: time.Hour})
	if err := news.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = news.Stop(context.Background()) })
	w := serve(t, api.Config{Directory: db, Starter: db, Rollouts: db, Cells: db, History: db, Feed: news, Ledger: db, Keys: db})
	w.db = db
	return w
}

// serve starts an API over what c names.
func serve(t *testing.T, c api.Config) world {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	if c.Verifier == nil {
		c.Verifier = tokens{}
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) (map[string]string, error) { return map[string]string{"database": "ok"}, nil }
	}
	if c.Keys == nil {
		c.Keys = everybody{}
	}
	if c.Ledger == nil {
		c.Ledger = shredder{}
	}
	c.Observe = func(string, string, int, time.Duration) {}
	a, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	t.Cleanup(a.CloseStreams)
	return world{url: server.URL, api: a}
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) problem(t *testing.T) problem.Problem {
	t.Helper()
	var p problem.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.header.Get("Content-Type") != problem.ContentType {
		t.Fatalf("%d is no problem document (%s): %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	if p.Status != a.status || p.Code == "" || p.Detail == "" || !strings.HasPrefix(p.Instance, "urn:earshot:request:") {
		t.Errorf("an incomplete problem document: %s", a.body)
	}
	return p
}

// into reads a JSON answer.
func into[T any](t *testing.T, a answer) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return value
}

// send sends a request as an owner. Headers are given as "Name: value"; an empty value removes one.
func (w world) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	got, err := w.try(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w world) try(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, w.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Bearer owner")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
		if value == "" {
			request.Header.Del(name)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, err
}

// draft is the body of a valid onboarding, with members replaced: "settings", `{}`, "slug", …; an empty value removes one.
func draft(s slug.Slug, members ...string) string {
	values := map[string]string{
		"slug": fmt.Sprintf("%q", s), "display_name": fmt.Sprintf("%q", "Tenant "+s),
		"connect_instances": "[" + instance("main", uuid.NewString()) + "]",
	}
	order := []string{"slug", "display_name", "connect_instances"}
	for i := 0; i < len(members); i += 2 {
		if _, known := values[members[i]]; !known {
			order = append(order, members[i])
		}
		values[members[i]] = members[i+1]
	}
	var text []string
	for _, name := range order {
		if values[name] != "" {
			text = append(text, fmt.Sprintf("%q: %s", name, values[name]))
		}
	}
	return "{" + strings.Join(text, ", ") + "}"
}

func instance(alias, id string) string {
	return fmt.Sprintf(`{"alias": %q, "arn": "arn:aws:connect:eu-central-1:111122223333:instance/%s", "ccp_url": "https://%s.my.connect.aws/ccp-v2"}`,
		alias, id, alias)
}

// instanceWith is the body's list of one instance with one member replaced.
func instanceWith(member, value string) string {
	members := map[string]any{
		"alias": "main", "arn": "arn:aws:connect:eu-central-1:111122223333:instance/" + uuid.NewString(),
		"ccp_url": "https://case.my.connect.aws/ccp-v2",
	}
	members[member] = value
	text, _ := json.Marshal([]any{members}) // strings only
	return string(text)
}
