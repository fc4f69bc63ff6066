package pusher

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Every way in which a request names an origin: the tenant's own is answered readably, whatever the answer; all that only
// look like it get 403 without a CORS header.
func TestOrigins(t *testing.T) {
	t.Parallel()
	const local = "http://E1ABC.cloudfront.localhost:4566"
	for name, row := range map[string]struct {
		origin, allow string
	}{
		"own":              {own, own},
		"own, local":       {strings.ToLower(local), strings.ToLower(local)},
		"upper case":       {local, ""},
		"upper, own":       {strings.ToUpper(own), ""},
		"trailing dot":     {own + ".", ""},
		"own, another":     {"https://desk.acme.example", "https://desk.acme.example"},
		"another tenant's": {"https://softphone.globex.example", ""},
		"null":             {"null", ""},
		"slash":            {own + "/", ""},
		"http":             {strings.Replace(own, "https", "http", 1), ""},
		"port":             {own + ":8443", ""},
		"default port":     {own + ":443", ""},
		"suffix":           {own + ".evil.example", ""},
		"prefix":           {"https://evil" + strings.TrimPrefix(own, "https://"), ""},
		"query":            {"https://evil.example?" + own, ""},
		"fragment":         {"https://evil.example#" + own, ""},
		"empty":            {"", ""},
		"file":             {"file://", ""},
		"two in one":       {"https://softphone.globex.example, " + own, ""},
		"own twice":        {own + ", " + own, ""},
		"escaped NUL":      {own + "%00", ""},
		"NUL":              {own + "\x00", ""},
		"blank":            {" " + own, ""},
		"upper, evil":      {strings.ToUpper(own) + ".EVIL", ""},
		"Kelvin sign":      {"https://des\u212a.acme.example", ""},
		"dotless i":        {"https://softphone.acme.example\u0131", ""},
		"line feed":        {own + "\r\nx-evil: 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, telemetry.KindStreamStats, settings())
			for _, request := range []events.APIGatewayProxyRequest{
				post(row.origin, []byte(`{`)), post(row.origin, readFile(t, "streams-thirty-seconds.json")), preflightOf(row.origin),
			} {
				answer, _ := b.do(t, request)
				if got := answer.Headers["access-control-allow-origin"]; got != row.allow {
					t.Errorf("%s names %q, want %q", request.HTTPMethod, got, row.allow)
				}
				if (answer.StatusCode == http.StatusForbidden) != (row.allow == "") {
					t.Errorf("%s answers %d", request.HTTPMethod, answer.StatusCode)
				}
			}
			if taken := len(b.queue.kept) > 0; taken != (row.allow != "") {
				t.Errorf("taken %v", taken)
			}
		})
	}
}

func preflightOf(origin string) events.APIGatewayProxyRequest {
	r := post(origin, nil)
	r.HTTPMethod = http.MethodOptions
	r.Headers["Access-Control-Request-Method"] = "POST"
	r.Headers["Access-Control-Request-Headers"] = "content-encoding,content-type"
	return r
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := settings()
	s.Suspended = true // its page must still be able to read the 410
	answer, _ := setup(t, telemetry.KindStreamStats, s).do(t, preflightOf(own))
	for name, want := range map[string]string{
		"access-control-allow-origin": own, "access-control-allow-methods": "POST", "access-control-max-age": "7200",
		"access-control-allow-headers": "content-type, content-encoding",
	} {
		if answer.Headers[name] != want {
			t.Errorf("%s is %q, want %q", name, answer.Headers[name], want)
		}
	}
	if answer.StatusCode != http.StatusNoContent || answer.Body != "" {
		t.Errorf("%d %q", answer.StatusCode, answer.Body)
	}
}

// API Gateway sends headers in two forms, in the case of the caller.
func TestHeadersInEveryForm(t *testing.T) {
	t.Parallel()
	body := readFile(t, "streams-thirty-seconds.json")
	for name, row := range map[string]struct {
		one    map[string]string
		many   map[string][]string
		status int
	}{
		"lower case":   {map[string]string{"origin": own}, nil, 202},
		"upper case":   {map[string]string{"ORIGIN": own}, nil, 202},
		"many":         {nil, map[string][]string{"Origin": {own}}, 202},
		"both":         {map[string]string{"origin": own}, map[string][]string{"origin": {own}}, 202},
		"two":          {map[string]string{"origin": own}, map[string][]string{"origin": {"https://evil.example", own}}, 403},
		"none":         {nil, nil, 403},
		"another name": {map[string]string{"x-origin": own, "referer": own}, nil, 403},
	} {
		request := post(own, body)
		request.Headers, request.MultiValueHeaders = row.one, row.many
		if answer, _ := setup(t, telemetry.KindStreamStats, settings()).do(t, request); answer.StatusCode != row.status {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, row.status)
		}
	}
}

func TestWrongSettingsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := New(telemetry.KindStreamStats, "x", Settings{Tenant: "A-B", Origins: []string{"https://host/path", "softphone.acme.example"}, IPPrivacy: "some"}, nil, nil, nil)
	if err == nil {
		t.Fatal("wrong settings are taken")
	}
	for _, want := range []string{"slug", "https://host/path", `"softphone.acme.example"`, `"some"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
