package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/earshot-hq/earshot/internal/pools"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/gateway/internal/gate"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

// host is under which the tests' tenants have names. Nothing is resolved: requests go to the server and name their host.
const host = "gateway.test"

const password = "Correct-horse-7"

// template is of a tenant's stack what the gateway goes by. The door of its reader's role lets the tests' identity in.
const template = `{"Resources": {
	"UserPool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UsernameAttributes": ["email"]}},
	"Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"UserPoolId": {"Ref": "UserPool"}, "GenerateSecret": true,
		"AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid", "email", "profile"],
		"CallbackURLs": ["https://%[1]s.gateway.test/auth/callback"], "LogoutURLs": ["https://%[1]s.gateway.test/auth/signed-out"],
		"SupportedIdentityProviders": ["COGNITO"]}},
	"Managers": {"Type": "AWS::Cognito::UserPoolGroup", "Properties": {"UserPoolId": {"Ref": "UserPool"}, "GroupName": "managers"}},
	"Viewers": {"Type": "AWS::Cognito::UserPoolGroup", "Properties": {"UserPoolId": {"Ref": "UserPool"}, "GroupName": "viewers"}},
	"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "earshot/%[1]s/reader",
		"SecretString": "{\"username\": \"earshot-%[1]s-reader\", \"password\": \"reader-%[1]s\"}"}},
	"Reader": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "earshot-%[1]s-reader",
		"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
			"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "id-of-%[1]s"}}}]},
		"Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Fn::GetAtt": ["Secret", "Id"]}}]}}]}}},
	"Outputs": {"UserPoolId": {"Value": {"Ref": "UserPool"}}, "ClientId": {"Value": {"Ref": "Client"}},
		"RoleArn": {"Value": {"Fn::GetAtt": ["Reader", "Arn"]}}, "SecretArn": {"Value": {"Fn::GetAtt": ["Secret", "Id"]}}}}`

// tenants knows those of a test.
type tenants map[slug.Slug]roster.Tenant

func (t tenants) Tenant(s slug.Slug) (roster.Tenant, bool) {
	one, isThere := t[s]
	return one, isThere
}

// A world is two tenants, one with a call of its own each, and a gateway before them.
type world struct {
	own, other roster.Tenant
	server     *httptest.Server
	routes     []string // of the gateway itself
	clock      *clock
	cognito    *cognitoidentityprovider.Client
}

// clock is moved by tests.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration // guarded by mu
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// built are the tests' tenants: search takes its time over each. A test that changes a person makes one of its own.
var (
	shared sync.Mutex
	built  []roster.Tenant // guarded by shared
)

func setup(t *testing.T) *world {
	t.Helper()
	config := testenv.AWS(t)
	w := &world{clock: &clock{}, cognito: cognitoidentityprovider.NewFromConfig(config)}
	shared.Lock()
	for len(built) < 2 {
		built = append(built, w.build(t, config))
	}
	w.own, w.other = built[0], built[1]
	shared.Unlock()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	g := &gateway{settings: gatewaySettings{
		Host: host, Scheme: "https", SearchAuth: searchconn.Basic, SearchCAPem: testenv.OpenSearch(t).CAPem,
		CookieKeys: []string{base64.StdEncoding.EncodeToString(key)},
	}}
	jar, err := session.NewJar([][]byte{key}, true, w.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	door := gate.New(gate.Config{
		Pools: pools.New(config), DiscoveryURL: testenv.AWSEndpoint(t), Now: w.clock.now,
		PublicURL: func(t roster.Tenant) string { return "https://" + t.Slug.String() + "." + host },
	})
	handler, err := web.New(web.Config{
		Host: host, Secure: true, Directory: tenants{w.own.Slug: w.own, w.other.Slug: w.other}, Gate: door, Jar: jar, Calls: g.readers(config, newRoles(config)).of,
		Observe: func(string, string, int, time.Duration) {}, Log: slog.New(slog.NewJSONHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Now: w.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.routes = handler.Routes()
	w.server = httptest.NewServer(handler)
	t.Cleanup(w.server.Close)
	return w
}

// build makes a tenant: pool, people, access to search, and a call that names it.
func (w *world) build(t *testing.T, config aws.Config) roster.Tenant {
	t.Helper()
	s := testenv.Slug(t)
	client, name := cloudformation.NewFromConfig(config), s.StackName()
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(fmt.Sprintf(template, s)),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	stack, err := made.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range stack.Stacks[0].Outputs {
		out[*o.OutputKey] = *o.OutputValue
	}
	search := testenv.OpenSearch(t)
	tenant := roster.Tenant{
		Slug: s, DisplayName: "Tenant " + s.String(), State: "active", Region: testenv.Region, ExternalID: "id-of-" + s.String(),
		UserPoolID: out["UserPoolId"], ClientID: out["ClientId"], SearchEndpoint: search.URL, ReaderRoleARN: out["RoleArn"], ReaderSecretARN: out["SecretArn"],
	}
	for email, groups := range map[string][]string{
		"manager@example.com": {"managers"}, "viewer@example.com": {"viewers"}, "both@example.com": {"managers", "viewers"}, "none@example.com": nil,
	} {
		w.person(t, tenant, email, groups)
	}
	admin := searchtenant.New(search.As(t, "", ""), searchtenant.Options{HasUsers: true, Patience: 5 * time.Minute, Lease: 30 * time.Second, Pause: 20 * time.Millisecond})
	if err := admin.Apply(t.Context(), searchtenant.Grant{
		Slug: s, StackID: "s", Writer: searchtenant.Identity{Username: s.WriterRole(), Password: "writer"},
		Reader: searchtenant.Identity{Username: s.ReaderRole(), Password: "reader-" + s.String()},
	}); err != nil {
		t.Fatal(err)
	}
	plant(t, s, 3)
	return tenant
}

func (w *world) person(t *testing.T, of roster.Tenant, email string, groups []string) {
	t.Helper()
	if _, err := w.cognito.AdminCreateUser(t.Context(), &cognitoidentityprovider.AdminCreateUserInput{UserPoolId: &of.UserPoolID, Username: &email}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.cognito.AdminSetUserPassword(t.Context(), &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &of.UserPoolID, Username: &email, Password: aws.String(password), Permanent: true,
	}); err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		w.join(t, of, email, group)
	}
}

func (w *world) join(t *testing.T, of roster.Tenant, email, group string) {
	t.Helper()
	if _, err := w.cognito.AdminAddUserToGroup(t.Context(), &cognitoidentityprovider.AdminAddUserToGroupInput{
		UserPoolId: &of.UserPoolID, Username: &email, GroupName: &group,
	}); err != nil {
		t.Fatal(err)
	}
}

// plant writes summaries, and seconds of the first, all of which name their tenant.
func plant(t *testing.T, s slug.Slug, calls int) {
	t.Helper()
	now := time.Now().UTC()
	var bulk strings.Builder
	add := func(index, id string, document any) {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&bulk, `{"create": {"_index": %q, "_id": %q}}`+"\n%s\n", index, id, text)
	}
	for n := range calls {
		began := now.Add(-time.Duration(n+1) * time.Hour)
		verdict := []string{"good", "bad", "degraded"}[n%3]
		add(s.Index("callsummary", "2026"), fmt.Sprint("s", n), map[string]any{"@timestamp": began, "tenant": s, "doc": map[string]any{
			"agent": "agent-of-" + s.String(), "contactId": fmt.Sprintf("contact-%d-of-%s", n, s), "contactQueue": "queue-of-" + s.String(),
			"startedAt": began, "endedAt": began.Add(2 * time.Second), "timestamp": began, "verdict": verdict, "explanation": "told-of-" + s.String(),
			"heardByAgent": map[string]any{"mosMean": 4.1, "secondsBad": 0}, "findings": []any{map[string]any{"id": "loss", "severity": "severe"}},
			"recordsSeen": 4, "recordsExpected": 4, "reportsSeen": 1, "talkingSeconds": 2, "ended": "report",
		}})
	}
	first := now.Add(-time.Hour)
	for second := range 2 {
		for kind, letter := range map[string]string{"audio_input": "i", "audio_output": "o"} {
			add(s.Index("softphonestreamstats", "2026"), fmt.Sprint(letter, second), map[string]any{"@timestamp": first.Add(time.Duration(second) * time.Second), "tenant": s, "doc": map[string]any{
				"agent": "agent-of-" + s.String(), "contactId": "contact-0-of-" + s.String(), "softphoneStreamType": kind, "packetsCount": 50, "packetsLost": 1, "mos": 4.2,
			}})
		}
	}
	add(s.Index("apimetric", "2026"), "m", map[string]any{"@timestamp": first, "tenant": s, "doc": map[string]any{
		"agent": "agent-of-" + s.String(), "name": "acceptContact", "error": true, "statusCode": 503, "time": 12,
	}})
	root := testenv.OpenSearch(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, root.URL+"/_bulk?refresh=true", strings.NewReader(bulk.String()))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(root.Username, root.Password)
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := root.Client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || !strings.Contains(string(text), `"errors":false`) {
		t.Fatalf("%d %.600s", res.StatusCode, text)
	}
}

// An answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    string
	cookies []*http.Cookie
}

// ask sends a request to a tenant's address. Headers are given as "Name: value".
func (w *world) ask(t *testing.T, method, hostname, path string, cookies []*http.Cookie, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if req.URL, err = url.Parse(w.server.URL + path); err != nil {
		t.Fatal(err)
	}
	req.Host = hostname
	for _, c := range cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text), res.Cookies()}
}

func at(t roster.Tenant) string { return t.Slug.String() + "." + host }

// begin goes to the tenant's sign-in and returns the pool's page and the browser's cookies.
func (w *world) begin(t *testing.T, of roster.Tenant, back string) (string, []*http.Cookie) {
	t.Helper()
	got := w.ask(t, http.MethodGet, at(of), "/auth/sign-in?return="+url.QueryEscape(back), nil)
	if got.status != http.StatusFound {
		t.Fatalf("the sign-in answers %d %s", got.status, got.body)
	}
	return got.header.Get("Location"), got.cookies
}

// enter fills in the pool's own page, and returns the address that it sends the browser back to.
func (w *world) enter(t *testing.T, page, email string) *url.URL {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	shown := send(t, req)
	form := url.Values{"username": {email}, "password": {password}}
	for _, input := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`).FindAllStringSubmatch(shown.body, -1) {
		form.Set(input[1], strings.NewReplacer("&amp;", "&", "&#x27;", "'", "&quot;", `"`).Replace(input[2]))
	}
	address, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	req, _ = http.NewRequestWithContext(t.Context(), http.MethodPost, address.Scheme+"://"+address.Host+"/login", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := send(t, req)
	back, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.status != http.StatusFound {
		t.Fatalf("the pool's page answers %d %.300s", got.status, got.body)
	}
	return back
}

// signIn returns the cookies of a person who has signed in.
func (w *world) signIn(t *testing.T, of roster.Tenant, email string) []*http.Cookie {
	t.Helper()
	page, begun := w.begin(t, of, "/insights?verdict=bad")
	back := w.enter(t, page, email)
	if back.Host != at(of) || back.Path != "/auth/callback" {
		t.Fatalf("the pool sends back to %s", back)
	}
	got := w.ask(t, http.MethodGet, at(of), back.RequestURI(), begun)
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/insights?verdict=bad" {
		t.Fatalf("the callback answers %d %q %s", got.status, got.header.Get("Location"), got.body)
	}
	return kept(got.cookies)
}

// kept are the cookies that a browser keeps.
func kept(cookies []*http.Cookie) (list []*http.Cookie) {
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			list = append(list, c)
		}
	}
	return list
}

func TestAManagerSeesTheirCalls(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := w.signIn(t, w.own, "manager@example.com")
	s := w.own.Slug.String()
	for path, wants := range map[string][]string{
		"/insights/api/session":                        {`"may_edit":true`, `"email":"manager@example.com"`, `"tenant":"` + s + `"`},
		"/insights/api/overview":                       {`"calls":3`, `"bad":1`, `"loss":3`, `"mos_heard_by_agent":4.1`, "queue-of-" + s},
		"/insights/api/calls":                          {"contact-0-of-" + s, "contact-2-of-" + s},
		"/insights/api/calls?verdict=bad&finding=loss": {"contact-1-of-" + s},
		"/insights/api/overview?verdict=bad":           {`"calls":1,`, `"hours_week_before":[]`},
		"/insights/api/calls/contact-0-of-" + s:        {`"mos":4.2`, `"lost":1`, "acceptContact", `"status":503`, "told-of-" + s},
		"/insights":                                    {"Calls of Tenant " + s, "told-of-" + s, "contact-0-of-" + s},
		"/insights/calls/contact-0-of-" + s:            {"told-of-" + s, "<polyline", "acceptContact"},
	} {
		got := w.ask(t, http.MethodGet, at(w.own), path, who)
		for _, want := range wants {
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("%s answers %d without %s: %.400s", path, got.status, want, got.body)
			}
		}
		if got.header.Get("X-Frame-Options") == "" && !strings.Contains(got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s may be framed", path)
		}
	}
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights/api/calls?verdict=bad", who); strings.Contains(got.body, "contact-0") {
		t.Errorf("a filter lets another call through: %s", got.body)
	}
}

func TestPagesOfCallsFollowEachOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := w.signIn(t, w.own, "viewer@example.com")
	now := time.Now().UTC()
	query := "/insights/api/calls?limit=2&from=" + now.Add(-24*time.Hour).Format(time.RFC3339) + "&to=" + now.Format(time.RFC3339)
	var page struct {
		Calls []struct{ ContactID string }
		Next  string `json:"next_cursor"`
	}
	first := w.ask(t, http.MethodGet, at(w.own), query, who)
	if err := json.Unmarshal([]byte(first.body), &page); err != nil || len(page.Calls) != 2 || page.Next == "" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	cursor := "&cursor=" + url.QueryEscape(page.Next)
	page.Next = ""
	second := w.ask(t, http.MethodGet, at(w.own), query+cursor, who)
	if err := json.Unmarshal([]byte(second.body), &page); err != nil || len(page.Calls) != 1 || page.Calls[0].ContactID != "contact-2-of-"+w.own.Slug.String() || page.Next != "" {
		t.Errorf("%d %s", second.status, second.body)
	}
	for name, wrong := range map[string]string{
		"another list":   query + "&verdict=bad" + cursor,
		"no cursor":      query + "&cursor=x",
		"without a span": "/insights/api/calls?limit=2" + cursor,
		"a misspelt one": "/insights/api/calls?verdickt=bad",
		"twice":          "/insights/api/calls?queue=a&queue=b",
		"too many":       "/insights/api/calls?limit=201",
		"a long span":    "/insights/api/calls?from=2020-01-01T00:00:00Z",
		"backwards":      "/insights/api/overview?from=2026-11-28T00:00:00Z&to=2026-11-27T00:00:00Z",
		"a long value":   "/insights/api/calls?queue=" + strings.Repeat("x", 257),
		"bytes":          "/insights/api/calls?queue=%ff",
	} {
		if got := w.ask(t, http.MethodGet, at(w.own), wrong, who); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights/api/calls/nothing", who); got.status != http.StatusNotFound {
		t.Errorf("no such call: %d %s", got.status, got.body)
	}
}

// routes are all that a signed-in person can ask for, with the neighbour's names wherever one may stand.
func routes(of slug.Slug) []string {
	list := []string{
		"/", "/insights", "/insights/api/session", "/insights/api/overview", "/insights/api/calls", "/insights/api/calls/contact-0-of-" + of.String(),
		"/insights/calls/contact-0-of-" + of.String(), "/insights/api/calls/" + url.PathEscape("../"+of.String()+"-callsummary-2026/_search"),
		"/insights/api/calls/*", "/insights/api/calls/contact-0-of-" + of.String() + "/file.csv", "/insights/api/calls/contact-0-of-" + of.String() + "/file.json",
		"/insights/api/calls/contact-0-of-" + of.String() + "/file.csv?agent=agent-of-" + of.String(), "/insights/calls/contact-0-of-" + of.String() + "?agent=agent-of-" + of.String(),
		"/insights/api/calls/contact-0-of-" + of.String() + "?agent=agent-of-" + of.String(),
	}
	for name, value := range map[string]string{"queue": "queue-of-", "agent": "agent-of-", "contact_id": "contact-0-of-"} {
		list = append(list, "/insights/api/calls?"+name+"="+value+of.String(), "/insights?"+name+"="+value+of.String(), "/insights/api/overview?"+name+"="+value+of.String())
	}
	return list
}

// Whatever a manager of one tenant asks for, in whichever way they name the neighbour, nothing of the neighbour comes.
func TestAttackNeighbourThroughInsights(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := w.signIn(t, w.own, "manager@example.com")
	marks := regexp.MustCompile(`(told|agent|queue|contact-\d)-of-` + w.other.Slug.String() + `[^"'&<%]*`)
	for _, path := range routes(w.other.Slug) {
		got := w.ask(t, http.MethodGet, at(w.own), path, who, "Accept: text/html", "securitytenant: "+w.other.Slug.String(), "x-proxy-roles: admin", "X-Forwarded-Host: "+at(w.other))
		if strings.Contains(got.body, "told-of-"+w.other.Slug.String()) || strings.Contains(got.body, "Tenant "+w.other.Slug.String()) {
			t.Errorf("%s answers %d with the neighbour's: %s", path, got.status, marks.FindString(got.body))
		}
		if got.status >= http.StatusInternalServerError {
			t.Errorf("%s answers %d %s", path, got.status, got.body)
		}
		if there := w.ask(t, http.MethodGet, at(w.other), path, who); there.status != http.StatusUnauthorized && there.status != http.StatusNotFound || strings.Contains(there.body, "-of-") || strings.Contains(there.body, w.other.DisplayName) {
			t.Errorf("%s at the neighbour's address answers %d %s", path, there.status, there.body)
		}
	}
}

// No route takes a change from anybody but the sign-out.
func TestAttackAViewerChanges(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := w.signIn(t, w.own, "viewer@example.com")
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights/api/session", who); !strings.Contains(got.body, `"may_edit":false`) {
		t.Errorf("a viewer is %s", got.body)
	}
	for _, path := range append(routes(w.own.Slug), "/api/saved_objects/dashboard", "/app/dashboards") {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if got := w.ask(t, method, at(w.own), path, who); got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s answers %d %s", method, path, got.status, got.body)
			}
		}
	}
}

func TestAttackSignIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	good := w.signIn(t, w.own, "manager@example.com")
	page, begun := w.begin(t, w.own, "/")
	back := w.enter(t, page, "manager@example.com")
	_, stranger := w.begin(t, w.own, "/")
	otherPage, otherBegun := w.begin(t, w.other, "/")
	otherBack := w.enter(t, otherPage, "manager@example.com")
	forged := *back
	forged.RawQuery = url.Values{"code": {back.Query().Get("code")}, "state": {"guessed"}}.Encode()
	crossed := url.Values{"code": {otherBack.Query().Get("code")}, "state": {back.Query().Get("state")}}.Encode()
	for name, row := range map[string]struct {
		at      roster.Tenant
		path    string
		cookies []*http.Cookie
		status  int
	}{
		"a code in a browser that did not begin":   {w.own, back.RequestURI(), nil, 400},
		"a code in another's browser":              {w.own, back.RequestURI(), stranger, 401},
		"a session in place of a sign-in":          {w.own, back.RequestURI(), good, 400},
		"another state":                            {w.own, forged.RequestURI(), begun, 401},
		"no code":                                  {w.own, "/auth/callback?state=" + back.Query().Get("state"), begun, 401},
		"a code of another pool":                   {w.own, "/auth/callback?" + crossed, begun, 401},
		"the neighbour's sign-in here":             {w.own, otherBack.RequestURI(), otherBegun, 400},
		"an error of the pool":                     {w.own, "/auth/callback?error=access_denied&state=" + back.Query().Get("state"), begun, 401},
		"nobody's cookie on a route":               {w.own, "/insights/api/session", []*http.Cookie{{Name: "__Host-earshot-session", Value: "AAAA"}}, 401},
		"a begun sign-in in place of a session":    {w.own, "/insights/api/session", []*http.Cookie{{Name: "__Host-earshot-session", Value: begun[0].Value}}, 401},
		"a session without the prefix of its name": {w.own, "/insights/api/session", []*http.Cookie{{Name: "earshot-session", Value: good[0].Value}}, 401},
	} {
		if got := w.ask(t, http.MethodGet, at(row.at), row.path, row.cookies); got.status != row.status || len(kept(got.cookies)) != 0 && row.status != 200 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	used := w.ask(t, http.MethodGet, at(w.own), back.RequestURI(), begun)
	if used.status != http.StatusSeeOther {
		t.Errorf("the good one: %d %s", used.status, used.body)
	}
	if again := w.ask(t, http.MethodGet, at(w.own), back.RequestURI(), begun); again.status != http.StatusUnauthorized {
		t.Errorf("a code used twice: %d %s", again.status, again.body)
	}
	for _, email := range []string{"both@example.com", "none@example.com"} {
		page, begun := w.begin(t, w.own, "/")
		if got := w.ask(t, http.MethodGet, at(w.own), w.enter(t, page, email).RequestURI(), begun); got.status != http.StatusForbidden || len(kept(got.cookies)) != 0 {
			t.Errorf("%s: %d %s", email, got.status, got.body)
		}
	}
}

func TestAttackReturnPath(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{
		"//evil.test", "/\\evil.test", "\\/evil.test", "https://evil.test", "/\t/evil.test", "/\n/evil.test", "javascript:alert(1)", "evil.test", "/%2f/evil.test",
		"/%5cevil.test", " //evil.test", "/auth/sign-out", "", "///evil.test", "/\x00/evil.test",
	} {
		page, begun := w.begin(t, w.own, path)
		got := w.ask(t, http.MethodGet, at(w.own), w.enter(t, page, "viewer@example.com").RequestURI(), begun)
		if to := got.header.Get("Location"); got.status != http.StatusSeeOther || to != "/" {
			t.Errorf("%q leads to %q (%d)", path, to, got.status)
		}
	}
}

func TestAttackHostsAndShapes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := w.signIn(t, w.own, "manager@example.com")
	for hostname, status := range map[string]int{
		host: 421, "evil.test": 421, at(w.own) + ".evil.test": 421, "nobody." + host: 404, "admin." + host: 404, "a.b." + host: 404,
		w.own.Slug.String() + "-eu." + host: 404, strings.ToUpper(at(w.own)): 200, "." + host: 404,
	} {
		if got := w.ask(t, http.MethodGet, hostname, "/insights/api/session", who); got.status != status {
			t.Errorf("host %s answers %d %.200s", hostname, got.status, got.body)
		}
	}
	for name, row := range map[string]struct {
		method, path string
		headers      []string
		status       int
	}{
		"an upgrade":                 {"GET", "/insights/api/session", []string{"Connection: Upgrade", "Upgrade: websocket"}, 405},
		"a trace":                    {"TRACE", "/insights/api/session", nil, 405},
		"a sign-out by another site": {"POST", "/auth/sign-out", []string{"Sec-Fetch-Site: cross-site"}, 403},
		"a sign-out by a neighbour":  {"POST", "/auth/sign-out", []string{"Sec-Fetch-Site: same-site"}, 403},
		"a foreign origin":           {"POST", "/auth/sign-out", []string{"Origin: https://evil.test"}, 403},
		"an encoded way up":          {"GET", "/insights/%2e%2e/auth/%2e%2e/insights/api/nothing", nil, 404},
		"a page without a session":   {"GET", "/insights/page.css", nil, 200},
	} {
		if got := w.ask(t, row.method, at(w.own), row.path, who, row.headers...); got.status != row.status {
			t.Errorf("%s: %d %.200s", name, got.status, got.body)
		}
	}
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights?verdict=bad", nil, "Accept: text/html"); got.status != 302 || got.header.Get("Location") != "/auth/sign-in?return=%2Finsights%3Fverdict%3Dbad" {
		t.Errorf("a person without a session: %d %v", got.status, got.header)
	}
}

// After ten minutes the pool is asked: a group that changed counts then, and who was disabled is out.
func TestASessionIsRenewedAtThePool(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.person(t, w.own, "otto@example.com", []string{"viewers"})
	who := w.signIn(t, w.own, "otto@example.com")
	if _, err := w.cognito.AdminRemoveUserFromGroup(t.Context(), &cognitoidentityprovider.AdminRemoveUserFromGroupInput{
		UserPoolId: &w.own.UserPoolID, Username: aws.String("otto@example.com"), GroupName: aws.String("viewers"),
	}); err != nil {
		t.Fatal(err)
	}
	w.join(t, w.own, "otto@example.com", "managers")
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights/api/session", who); !strings.Contains(got.body, `"may_edit":false`) || len(got.cookies) != 0 {
		t.Errorf("within ten minutes: %d %s", got.status, got.body)
	}
	w.clock.move(session.Lasts + time.Second)
	renewed := w.ask(t, http.MethodGet, at(w.own), "/insights/api/session", who)
	if !strings.Contains(renewed.body, `"may_edit":true`) || len(kept(renewed.cookies)) != 1 {
		t.Errorf("after ten minutes: %d %s", renewed.status, renewed.body)
	}
	if _, err := w.cognito.AdminDisableUser(t.Context(), &cognitoidentityprovider.AdminDisableUserInput{UserPoolId: &w.own.UserPoolID, Username: aws.String("otto@example.com")}); err != nil {
		t.Fatal(err)
	}
	w.clock.move(session.Lasts + time.Second)
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights/api/session", kept(renewed.cookies)); got.status != http.StatusUnauthorized {
		t.Errorf("who was disabled: %d %s", got.status, got.body)
	}
}

func TestSignOutEndsAllSessions(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.person(t, w.own, "nora@example.com", []string{"managers"})
	here, elsewhere := w.signIn(t, w.own, "nora@example.com"), w.signIn(t, w.own, "nora@example.com")
	got := w.ask(t, http.MethodPost, at(w.own), "/auth/sign-out", here, "Sec-Fetch-Site: same-origin")
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/auth/leave" || len(kept(got.cookies)) != 0 {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	got = w.ask(t, http.MethodGet, at(w.own), "/auth/leave", nil)
	to, err := url.Parse(strings.TrimPrefix(got.header.Get("Refresh"), "0; url="))
	if err != nil || got.status != http.StatusOK || to.Path != "/logout" || to.Query().Get("logout_uri") != "https://"+at(w.own)+"/auth/signed-out" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	w.clock.move(session.Lasts + time.Second)
	if got := w.ask(t, http.MethodGet, at(w.own), "/insights/api/session", elsewhere); got.status != http.StatusUnauthorized {
		t.Errorf("the other session: %d %s", got.status, got.body)
	}
}
