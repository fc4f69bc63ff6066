package pusher

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// base is the moment that the files in telemetry's testdata were made for.
var base = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

const own = "https://softphone.acme.example"

// memory is a queue that keeps what it is sent, or says why not.
type memory struct {
	kept []telemetry.Envelope
	err  error
}

func (m *memory) Send(ctx context.Context, e telemetry.Envelope) error {
	if m.err != nil {
		return m.err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.kept = append(m.kept, e)
	return nil
}

// book is what is known of the tenant's agents.
type book struct{ known agents.Book }

func (b *book) Book(context.Context) agents.Book { return b.known }

type bundle struct {
	*Handler
	queue *memory
	book  *book
	log   *bytes.Buffer
}

func settings() Settings {
	return Settings{
		Tenant: "acme", Origins: []string{"HTTPS://Softphone.Acme.Example:443", " ", "http://E1ABC.cloudfront.localhost:4566/", "https://desk.acme.example"},
		QueueURL: "http://queue", IPPrivacy: tenant.IPFull,
	}
}

func setup(tb testing.TB, kind string, s Settings) bundle {
	tb.Helper()
	b := bundle{queue: &memory{}, book: &book{}, log: &bytes.Buffer{}}
	h, err := New(kind, "streamstats-pusher", s, b.queue, b.book, slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		tb.Fatal(err)
	}
	h.now = func() time.Time { return base }
	b.Handler = h
	return b
}

func (b bundle) do(tb testing.TB, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, map[string]any) {
	tb.Helper()
	answer, err := b.Handle(tb.Context(), r)
	if err != nil {
		tb.Fatal(err)
	}
	if answer.IsBase64Encoded {
		tb.Error("the answer is base64")
	}
	if answer.Headers["vary"] != "origin" {
		tb.Error("the answer does not vary by origin")
	}
	var body map[string]any
	if answer.Body != "" {
		if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
			tb.Fatal(err)
		}
	}
	return answer, body
}

// post is a request as API Gateway with binary types sends it.
func post(origin string, body []byte) events.APIGatewayProxyRequest {
	return events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Headers: map[string]string{"Origin": origin, "Content-Type": "application/json", "X-Forwarded-For": "198.51.100.66"},
		Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
		RequestContext: events.APIGatewayProxyRequestContext{
			RequestID: "r-1", Identity: events.APIGatewayRequestIdentity{SourceIP: "203.0.113.77"},
		},
	}
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile("../telemetry/testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
