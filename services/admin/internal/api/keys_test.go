package api_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// makeKey makes an API key as somebody.
func (w world) makeKey(t *testing.T, maker, body string) apigen.APIKeySecret {
	t.Helper()
	got := w.send(t, "POST", "/v1/api-keys", body, "Authorization: Bearer "+maker)
	if got.status != 201 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return into[apigen.APIKeySecret](t, got)
}

// with asks who the caller is, by a key's secret.
func (w world) with(t *testing.T, secret string) answer {
	t.Helper()
	return w.send(t, "GET", "/v1/whoami", "", "Authorization: Bearer "+secret)
}

func (w world) onboarded(t *testing.T, s string) (id string) {
	t.Helper()
	if got := w.send(t, "POST", "/v1/tenants", draft("acme", "slug", `"`+s+`"`)); got.status != 202 {
		t.Fatal(got)
	}
	return into[apigen.Tenant](t, w.send(t, "GET", "/v1/tenants/"+s, "")).Id
}

func TestAKeyDoesWhatItsRoleMay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.makeKey(t, "owner", `{"name": "nightly report", "role": "auditor"}`)
	if !strings.HasPrefix(made.Secret, "esk_"+made.Key.Prefix+"_") || made.Key.LastUsedAt != nil {
		t.Errorf("made %+v", made.Key)
	}
	who := into[apigen.Caller](t, w.with(t, made.Secret))
	if who.Role != "auditor" || !slices.Contains(who.Rights, "tenants.read") || slices.Contains(who.Rights, "tenants.change") {
		t.Errorf("the key is %+v", who)
	}
	for _, row := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v1/tenants", "", 200},
		{"POST", "/v1/tenants", draft("acme"), 403},
		{"GET", "/v1/api-keys", "", 403},
		{"GET", "/v1/admins", "", 403},
	} {
		if got := w.send(t, row.method, row.path, row.body, "Authorization: Bearer "+made.Secret); got.status != row.want {
			t.Errorf("%s %s answers %d %s", row.method, row.path, got.status, got.body)
		}
	}
	list := into[apigen.APIKeyList](t, w.send(t, "GET", "/v1/api-keys", ""))
	if len(list.Items) != 1 || list.Items[0].Id != made.Key.Id || list.Items[0].LastUsedAt == nil {
		t.Errorf("listed are %+v", list.Items)
	}
}

// A key reaches no further than who made it, whatever its maker asks for, and makes neither keys nor admins.
func TestAttackReachOfAKey(t *testing.T) {
	t.Parallel()
	w := setup(t)
	own, other := w.onboarded(t, "acme"), w.onboarded(t, "beta")
	scoped := w.makeKey(t, "owner@"+own, `{"name": "a", "role": "owner"}`)
	for path, want := range map[string]int{"/v1/tenants/acme": 200, "/v1/tenants/beta": 404} {
		if got := w.send(t, "GET", path, "", "Authorization: Bearer "+scoped.Secret); got.status != want {
			t.Errorf("%s answers %d %s", path, got.status, got.body)
		}
	}
	if got := w.send(t, "POST", "/v1/api-keys", `{"name": "b", "role": "owner", "tenants": ["beta"]}`, "Authorization: Bearer owner@"+own); got.status != 422 {
		t.Errorf("a key for another's tenant: %d %s", got.status, got.body)
	}
	for _, maker := range []string{"operator", "auditor"} {
		if got := w.send(t, "POST", "/v1/api-keys", `{"name": "c", "role": "auditor"}`, "Authorization: Bearer "+maker); got.status != 403 {
			t.Errorf("the %s made a key: %d %s", maker, got.status, got.body)
		}
	}
	whole := w.makeKey(t, "owner", `{"name": "d", "role": "owner"}`)
	for _, row := range [][2]string{
		{"/v1/api-keys", `{"name": "e", "role": "owner"}`}, {"/v1/api-keys/" + whole.Key.Id + "/actions/rotate", "{}"}, {"/v1/admins/owner/actions/disable", ""},
	} {
		if got := w.send(t, "POST", row[0], row[1], "Authorization: Bearer "+whole.Secret); got.status != 403 || got.problem(t).Code != "api_key.makes_no_keys" {
			t.Errorf("a key at %s: %d %s", row[0], got.status, got.body)
		}
	}
	seen := into[apigen.APIKeyList](t, w.send(t, "GET", "/v1/api-keys", "", "Authorization: Bearer owner@"+own))
	if len(seen.Items) != 1 || seen.Items[0].Id != scoped.Key.Id {
		t.Errorf("an owner of one tenant sees %+v", seen.Items)
	}
	for _, verb := range []struct{ method, path, body string }{
		{"DELETE", "/v1/api-keys/" + scoped.Key.Id, ""}, {"POST", "/v1/api-keys/" + scoped.Key.Id + "/actions/rotate", "{}"},
	} {
		if got := w.send(t, verb.method, verb.path, verb.body, "Authorization: Bearer owner@"+other); got.status != 404 {
			t.Errorf("the owner of another tenant: %s %s answers %d", verb.method, verb.path, got.status)
		}
	}
}

func TestAttackSecretsOfKeys(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.makeKey(t, "owner", `{"name": "a", "role": "auditor"}`)
	another := w.makeKey(t, "owner", `{"name": "b", "role": "auditor"}`)
	_, secret, _ := strings.Cut(strings.TrimPrefix(another.Secret, "esk_"), "_")
	for name, token := range map[string]string{
		"no secret":             "esk_" + made.Key.Prefix,
		"an empty one":          "esk_" + made.Key.Prefix + "_",
		"that of another":       "esk_" + made.Key.Prefix + "_" + secret,
		"cut":                   made.Secret[:len(made.Secret)-1],
		"in capitals":           strings.ToUpper(made.Secret),
		"an unknown prefix":     "esk_aaaaaaaaaaaa_" + secret,
		"SQL in its prefix":     "esk_' or true --_" + secret,
		"a subject of a key":    "key:" + made.Key.Id,
		"the id for the secret": "esk_" + made.Key.Prefix + "_" + made.Key.Id,
	} {
		if got := w.with(t, token); got.status != 401 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// A rotation lets the old secret in for as long as was asked for, and only the last one; what is deleted opens nothing.
func TestKeysAreRotatedAndDeleted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first := w.makeKey(t, "owner", `{"name": "a", "role": "auditor"}`)
	rotate := func(body string) string {
		t.Helper()
		got := w.send(t, "POST", "/v1/api-keys/"+first.Key.Id+"/actions/rotate", body)
		if got.status != 200 {
			t.Fatal(got)
		}
		return into[apigen.APIKeySecret](t, got).Secret
	}
	opens := func(want bool, secrets ...string) {
		t.Helper()
		for i, secret := range secrets {
			if got := w.with(t, secret); (got.status == 200) != want {
				t.Errorf("secret %d is answered %d", i, got.status)
			}
		}
	}
	second := rotate(`{"overlap_hours": 2}`)
	opens(true, first.Secret, second)
	third := rotate(`{"overlap_hours": 2}`)
	opens(true, second, third)
	opens(false, first.Secret)
	fourth := rotate(`{"overlap_hours": 0}`)
	opens(true, fourth)
	opens(false, first.Secret, second, third)
	if got := w.send(t, "DELETE", "/v1/api-keys/"+first.Key.Id, ""); got.status != 204 {
		t.Fatal(got)
	}
	opens(false, first.Secret, second, third, fourth)
	if got := w.send(t, "POST", "/v1/api-keys/"+first.Key.Id+"/actions/rotate", "{}"); got.status != 404 {
		t.Errorf("a deleted key is rotated: %d", got.status)
	}
}

// Whoever is disabled comes in neither by themselves nor by a key, until somebody enables them again.
func TestTheKeysOfADisabledOwnerStop(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.onboarded(t, "acme")
	maker := "owner@" + id
	made := w.makeKey(t, maker, `{"name": "a", "role": "auditor"}`)
	for _, step := range []struct {
		action string
		want   int
	}{{"disable", 401}, {"enable", 200}} {
		if got := w.send(t, "POST", "/v1/admins/"+maker+"/actions/"+step.action, ""); got.status != 204 {
			t.Fatal(got)
		}
		if got := w.with(t, made.Secret); got.status != step.want {
			t.Errorf("after %s the key is answered %d %s", step.action, got.status, got.body)
		}
		if got := w.with(t, maker); (got.status == 200) != (step.want == 200) {
			t.Errorf("after %s the maker is answered %d %s", step.action, got.status, got.body)
		}
	}
	if got := w.send(t, "POST", "/v1/admins/owner/actions/disable", ""); got.status != 409 {
		t.Errorf("an owner disables oneself: %d %s", got.status, got.body)
	}
}

// A maker who signs in with less afterwards takes it from their keys too.
func TestAKeyFollowsItsMakersDescent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.makeKey(t, "owner", `{"name": "a", "role": "owner"}`)
	w.row(t, `update admins set role = 'auditor' where subject = 'owner' returning role`)
	if who := into[apigen.Caller](t, w.with(t, made.Secret)); who.Role != "auditor" {
		t.Errorf("the key is still %s", who.Role)
	}
}

// Neither the audit nor a row nor a later answer has a secret.
func TestSecretsOfKeysAreKeptNowhere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.makeKey(t, "owner", `{"name": "a", "role": "auditor"}`)
	rotated := into[apigen.APIKeySecret](t, w.send(t, "POST", "/v1/api-keys/"+made.Key.Id+"/actions/rotate", "{}"))
	w.with(t, made.Secret)
	for _, row := range w.audit(t, "limit=200") {
		text, _ := json.Marshal(row)
		tells(t, string(text), made.Secret, rotated.Secret)
	}
	tells(t, w.send(t, "GET", "/v1/api-keys", "").body, made.Secret, rotated.Secret)
	tells(t, w.row(t, `select coalesce(string_agg(k::text || encode(k.secret_hash, 'escape'), ''), '') from api_keys k`), made.Secret, rotated.Secret)
	actions := map[string]bool{}
	for _, row := range w.audit(t, "limit=200") {
		actions[row.Action] = true
	}
	if !actions["keys.add"] || !actions["keys.rotate"] {
		t.Errorf("audited are %v", actions)
	}
}

func tells(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret[len("esk_"):]) || strings.Contains(text, secret[strings.LastIndex(secret, "_")+1:]) {
			t.Errorf("a secret is in %s", text)
		}
	}
}

// row asks Postgres as its superuser, whom no policy binds, for one text.
func (w world) row(t *testing.T, query string) (text string) {
	t.Helper()
	superuser, err := pgx.Connect(t.Context(), w.db.SuperuserURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = superuser.Close(context.WithoutCancel(t.Context())) }()
	if err := superuser.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
