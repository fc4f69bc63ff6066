package directories_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/directories"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// checker asks a function that answers so, and waits for it so long.
func checker(t *testing.T, patience time.Duration, answer http.HandlerFunc) *directories.Checker {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	cells := cellaws.New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAAPI", "s", ""),
		RetryMaxAttempts: 1,
	})
	return directories.NewChecker(directories.CheckerConfig{
		Cells: cells, Timeout: patience, Log: slog.New(slog.DiscardHandler),
		Cell: func(_ context.Context, name string) (tenant.Cell, error) {
			if name != "one" {
				return tenant.Cell{}, errors.New("no such cell")
			}
			return tenant.Cell{Name: name, Region: "eu-central-1"}, nil
		},
	})
}

var (
	acme  = tenant.Tenant{Slug: "acme", Cell: "one", URLs: tenant.URLs{Softphone: "https://D1.cloudfront.net/"}}
	leeds = tenant.ConnectInstance{Alias: "leeds", CCPURL: "https://leeds.my.connect.aws/ccp-v2"}
)

func seen(s agents.Seen) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"runs": []any{}, "seen": s})
	}
}

// states are those of role, origin and panel.
func states(s tenant.Setup) string {
	var all []string
	for i, item := range s.Items {
		if want := []string{tenant.SetupDirectoryRole, tenant.SetupApprovedOrigin, tenant.SetupCCP}[i]; item.Item != want {
			return item.Item + " in the place of " + want
		}
		all = append(all, string(item.State))
	}
	return strings.Join(all, " ")
}

func TestSetupInWords(t *testing.T) {
	t.Parallel()
	for want, those := range map[string][]agents.Seen{
		"done done done":        {{}, {Directory: agents.ErrEmpty.Code}},
		"not_done unknown done": {{Directory: agents.NoRole, Origin: agents.NoRole}, {Directory: agents.ErrRoleRefused.Code, Origin: agents.ErrRoleRefused.Code}, {Directory: agents.ErrInstanceUnknown.Code, Origin: agents.ErrInstanceUnknown.Code}},
		"done not_done done":    {{Origin: agents.OriginMissing}},
		"done unknown done":     {{Origin: agents.ErrAccessDenied.Code}, {Origin: agents.OriginUnknown}, {Origin: agents.ErrThrottled.Code}, {Origin: "of a later version"}},
		"not_done done done":    {{Directory: agents.ErrAccessDenied.Code}},
		"unknown done done":     {{Directory: agents.ErrThrottled.Code}, {Directory: agents.ErrOutOfTime.Code}, {Directory: agents.ErrUnavailable.Code}, {Directory: "of a later version"}},
		"done done not_done":    {{Panel: agents.PanelNoHost}, {Panel: agents.PanelRefused}},
		"done done unknown":     {{Panel: agents.PanelElsewhere}, {Panel: agents.PanelNoAnswer}, {Panel: agents.PanelAiling}, {Panel: "of a later version"}},
	} {
		for _, s := range those {
			found := checker(t, time.Minute, seen(s)).Setup(t.Context(), acme, leeds)
			if got := states(found); got != want {
				t.Errorf("%+v is %s, want %s", s, got, want)
			}
			for _, item := range found.Items {
				if item.Detail == "" || (item.Advice == "") != (item.State == tenant.SetupDone) {
					t.Errorf("%+v: %+v", s, item)
				}
			}
			if found.At.IsZero() {
				t.Error("no instant")
			}
		}
	}
	found := checker(t, time.Minute, seen(agents.Seen{Origin: agents.OriginMissing})).Setup(t.Context(), acme, leeds)
	if advice := found.Items[1].Advice; !strings.Contains(advice, "https://d1.cloudfront.net to") {
		t.Errorf("the origin to approve is not named: %s", advice)
	}
}

// The tenant's own function is asked, in such a way that one of before there were looks refuses it.
func TestSetupAsksTheTenantsFunction(t *testing.T) {
	t.Parallel()
	checker(t, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		const want = `{"alias":"","look":{"alias":"leeds","origin":"https://d1.cloudfront.net","panelUrl":"https://leeds.my.connect.aws/ccp-v2"}}`
		if !strings.Contains(r.URL.Path, "/functions/earshot-acme-agent-directory/") || string(body) != want {
			t.Errorf("asked %s %s", r.URL.Path, body)
		}
		seen(agents.Seen{})(w, r)
	}).Setup(t.Context(), acme, leeds)
}

func TestSetupThatNobodyCouldLookAt(t *testing.T) {
	t.Parallel()
	refuse := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", code)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"Message":"a secret of AWS's"}`)
		}
	}
	elsewhere := acme
	elsewhere.Cell = "two"
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		tenant tenant.Tenant
		says   string
	}{
		"no stack yet":  {refuse(404, "ResourceNotFoundException"), acme, "not there yet"},
		"no role in it": {refuse(403, "AccessDeniedException"), acme, "AccessDeniedException"},
		"of before": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorMessage":"send {} for all"}`)
		}, acme, "could not look"},
		"says something": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"runs":[]}`) }, acme, "could not look"},
		"too slow": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // until then nobody notices that the caller has gone
			<-r.Context().Done()
		}, acme, "in time"},
		"no cell": {seen(agents.Seen{}), elsewhere, "could not look"},
	} {
		t.Run(name, func(t *testing.T) {
			patience := time.Minute
			if row.says == "in time" {
				patience = 100 * time.Millisecond
			}
			found := checker(t, patience, row.answer).Setup(t.Context(), row.tenant, leeds)
			if got := states(found); got != "unknown unknown unknown" {
				t.Errorf("%s", got)
			}
			for _, item := range found.Items {
				if !strings.Contains(item.Detail, row.says) || item.Advice == "" || strings.Contains(item.Detail+item.Advice, "secret") {
					t.Errorf("%+v", item)
				}
			}
		})
	}
}
