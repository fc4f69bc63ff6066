package launch

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/services/localstack/internal/console"
)

// asksForWholeCalls reports whether the question names each contact with the seconds that its summary must be made of.
func asksForWholeCalls(body string) bool {
	first, second, isAsked := strings.Cut(body, `"gte":480`)
	return isAsked && strings.Contains(first, `"c1"`) && strings.Contains(second, `"c2"`) && strings.Contains(second, `"gte":478`)
}

// answering is a search that gives one answer after another, the last one for good.
func answering(t *testing.T, answers ...string) SearchAccess {
	t.Helper()
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if username, password, _ := r.BasicAuth(); username != "admin" || password != "s3cret" || r.URL.Path != "/acme-callsummary-*/_search" || !asksForWholeCalls(string(body)) {
			t.Errorf("asked %s %s", r.URL, body)
		}
		answer := answers[min(asked, len(answers)-1)]
		asked++
		if answer == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return SearchAccess{URL: server.URL, Username: "admin", Password: "s3cret", CAFile: authority}
}

const (
	second = `{"_source":{"doc":{"contactId":"c2","agent":"ines.costa","verdict":"good","findings":[],"explanation":"A good call.","recordsSeen":480}}}`
	first  = `{"_source":{"doc":{"contactId":"c1","agent":"mira.holm","verdict":"bad","likelyCause":"agent_device","findings":[{"id":"silent_microphone","severity":"severe"}],"explanation":"Nobody heard."}}}`
)

func TestVerdictsAreTheLastLines(t *testing.T) {
	t.Parallel()
	search := answering(t, "", `{"hits":{"hits":[`+second+`]}}`, `{"hits":{"hits":[`+second+`,`+first+`]}}`)
	var out bytes.Buffer
	l := &Launcher{Console: console.New(&out)}
	if err := l.awaitVerdicts(t.Context(), search, "acme", []sentCall{{"c1", 480}, {"c2", 478}}); err != nil {
		t.Fatal(err)
	}
	const want = `{"contactId":"c1","agent":"mira.holm","verdict":"bad","likelyCause":"agent_device","findings":[{"id":"silent_microphone","severity":"severe"}],"explanation":"Nobody heard."}
{"contactId":"c2","agent":"ines.costa","verdict":"good","findings":[],"explanation":"A good call."}
`
	if out.String() != want {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestVerdictsThatDoNotComeAreAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := &Launcher{Console: console.New(io.Discard)}
	if err := l.awaitVerdicts(ctx, answering(t, `{"hits":{"hits":[]}}`), "acme", []sentCall{{"c1", 480}, {"c2", 478}}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}
