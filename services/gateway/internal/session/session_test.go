package session_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/services/gateway/internal/session"
)

func jar(t *testing.T, now func() time.Time, secure bool, keys ...byte) *session.Jar {
	t.Helper()
	var full [][]byte
	for _, k := range keys {
		full = append(full, bytes.Repeat([]byte{k}, 32))
	}
	j, err := session.NewJar(full, secure, now)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func given(t *testing.T, j *session.Jar) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := j.Put(w, "acme", session.Session{Subject: "nora", Refresh: strings.Repeat("x", 1900), Until: time.Now()}); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func with(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestCookieIsSafe(t *testing.T) {
	t.Parallel()
	c := given(t, jar(t, time.Now, true, 1))
	if c.Name != "__Host-earshot-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	if strings.Contains(c.Value, "nora") || len(c.Name)+len(c.Value) > 4096 {
		t.Errorf("%d bytes: %.100s", len(c.Value), c.Value)
	}
	if local := given(t, jar(t, time.Now, false, 1)); local.Name != "earshot-session" || local.Secure {
		t.Errorf("without TLS: %+v", local)
	}
}

func TestAttackCookies(t *testing.T) {
	t.Parallel()
	j := jar(t, time.Now, true, 1)
	good := given(t, j)
	if s, err := j.Get(with(good), "acme"); err != nil || s.Subject != "nora" {
		t.Fatalf("%+v (%v)", s, err)
	}
	changed, renamed := *good, *good
	changed.Value = good.Value[:20] + "A" + good.Value[21:]
	if changed.Value == good.Value {
		changed.Value = good.Value[:20] + "B" + good.Value[21:]
	}
	renamed.Name = "__Host-earshot-signin"
	for name, row := range map[string]struct {
		request *http.Request
		tenant  string
	}{
		"of acme at another tenant": {with(good), "globex"}, "changed": {with(&changed), "acme"}, "none": {with(), "acme"},
		"cut": {with(&http.Cookie{Name: good.Name, Value: good.Value[:100]}), "acme"}, "no base64": {with(&http.Cookie{Name: good.Name, Value: "%%"}), "acme"},
	} {
		if s, err := j.Get(row.request, "globex"); row.tenant == "globex" && !errors.Is(err, session.ErrNone) {
			t.Errorf("%s: %+v (%v)", name, s, err)
		}
		if s, err := j.Get(row.request, "acme"); row.tenant == "acme" && !errors.Is(err, session.ErrNone) {
			t.Errorf("%s: %+v (%v)", name, s, err)
		}
	}
	if s, err := j.End(httptest.NewRecorder(), with(&renamed), "acme"); !errors.Is(err, session.ErrNone) {
		t.Errorf("a session as a sign-in: %+v (%v)", s, err)
	}
	if s, err := jar(t, time.Now, true, 2).Get(with(good), "acme"); !errors.Is(err, session.ErrNone) {
		t.Errorf("by another key: %+v (%v)", s, err)
	}
	if s, err := jar(t, time.Now, true, 2, 1).Get(with(good), "acme"); err != nil || s.Subject != "nora" {
		t.Errorf("by an older key: %+v (%v)", s, err)
	}
	if s, err := j.Get(with(&changed, good), "acme"); err != nil || s.Subject != "nora" {
		t.Errorf("beside one that a stranger has put: %+v (%v)", s, err)
	}
}

func TestSignInEndsInTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	j := jar(t, func() time.Time { return now }, true, 1)
	w := httptest.NewRecorder()
	if err := j.Begin(w, "acme", session.SignIn{State: "state"}); err != nil {
		t.Fatal(err)
	}
	cookie := w.Result().Cookies()[0]
	for minutes, want := range map[int]error{9: nil, 11: session.ErrNone} {
		later := jar(t, func() time.Time { return now.Add(time.Duration(minutes) * time.Minute) }, true, 1)
		ended := httptest.NewRecorder()
		if s, err := later.End(ended, with(cookie), "acme"); !errors.Is(err, want) {
			t.Errorf("after %d minutes: %+v (%v)", minutes, s, err)
		}
		if left := ended.Result().Cookies(); len(left) != 1 || left[0].MaxAge >= 0 {
			t.Errorf("the sign-in may be ended again: %+v", left)
		}
	}
}
