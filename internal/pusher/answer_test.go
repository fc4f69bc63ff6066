package pusher

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/figures/figurestest"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func zip(tb testing.TB, body []byte) []byte {
	tb.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(body); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return packed.Bytes()
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	good := readFile(t, "streams-thirty-seconds.json")
	packed := zip(t, good)
	plain := func(body []byte) events.APIGatewayProxyRequest {
		r := post(own, nil)
		r.Body, r.IsBase64Encoded = string(body), false
		return r
	}
	coded := func(r events.APIGatewayProxyRequest, coding string) events.APIGatewayProxyRequest {
		r.Headers["Content-Encoding"] = coding
		return r
	}
	brokenBase64 := post(own, nil)
	brokenBase64.Body = "CANARY!"
	put := post(own, good)
	put.HTTPMethod = "PUT"
	for name, row := range map[string]struct {
		request events.APIGatewayProxyRequest
		status  int
		code    string
	}{
		"base64":                     {post(own, good), 202, ""},
		"as it is":                   {plain(good), 202, ""},
		"gzip":                       {coded(post(own, packed), "gzip"), 202, ""},
		"gzip without its header":    {post(own, packed), 202, ""},
		"unpacked, header left":      {coded(plain(good), "gzip"), 202, ""},
		"unpacked deflate":           {coded(plain(good), "deflate"), 202, ""},
		"identity":                   {coded(post(own, good), "identity"), 202, ""},
		"some bad":                   {post(own, readFile(t, "streams-wrong-clocks.json")), 207, ""},
		"no JSON":                    {post(own, []byte(`{`)), 400, "telemetry.body_not_json"},
		"nothing":                    {post(own, nil), 400, "telemetry.body_not_json"},
		"cut gzip":                   {post(own, packed[:len(packed)/2]), 400, "telemetry.body_unreadable"},
		"gzip's first bytes":         {post(own, packed[:3]), 400, "telemetry.body_unreadable"},
		"gzip with a wrong checksum": {post(own, append(bytes.Clone(packed[:len(packed)-8]), 1, 2, 3, 4, 5, 6, 7, 8)), 400, "telemetry.body_unreadable"},
		"gzip in gzip":               {post(own, zip(t, packed)), 400, "telemetry.body_not_json"},
		"no base64":                  {brokenBase64, 400, "telemetry.body_unreadable"},
		"other origin":               {post("https://evil.example", good), 403, "telemetry.origin_refused"},
		"other method":               {put, 405, "telemetry.method_not_allowed"},
		"700,000 bytes":              {post(own, bytes.Repeat([]byte("x"), 700_000)), 413, "telemetry.body_too_large"},
		"a bomb":                     {post(own, zip(t, make([]byte, 64<<20))), 413, "telemetry.body_too_large"},
		"501 records":                {post(own, []byte(`{"agent":"a","softphoneStreamStatistics":[`+strings.Repeat("1,", 500)+`1]}`)), 413, "telemetry.too_many_records"},
		"br":                         {coded(post(own, good), "br"), 415, "telemetry.encoding_unsupported"},
		"packed deflate":             {coded(post(own, []byte{0x78, 0x9c}), "deflate"), 415, "telemetry.encoding_unsupported"},
		"no record":                  {post(own, []byte(`{"agent":"a","softphoneStreamStatistics":[]}`)), 422, "telemetry.no_usable_record"},
		"no good record":             {post(own, []byte(`{"agent":"a","softphoneStreamStatistics":[{}]}`)), 422, "telemetry.no_usable_record"},
		"no agent":                   {post(own, []byte(`{}`)), 422, "telemetry.agent_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, telemetry.KindStreamStats, settings())
			answer, body := b.do(t, row.request)
			if answer.StatusCode != row.status || row.code != "" && body["code"] != row.code {
				t.Fatalf("%d %s, want %d %s", answer.StatusCode, answer.Body, row.status, row.code)
			}
			if _, lists := body["rejected"].([]any); lists != (row.status < 300 || row.status == 422) {
				t.Errorf("rejected: %v", body["rejected"])
			}
			if problem := answer.Headers["content-type"] == "application/problem+json"; problem != (row.status >= 400) {
				t.Errorf("content-type %s", answer.Headers["content-type"])
			}
			if kept := len(b.queue.kept) > 0; kept != (row.status < 300) {
				t.Errorf("kept %v", kept)
			}
		})
	}
}

func TestAcceptedSaysWhatWasRejected(t *testing.T) {
	t.Parallel()
	b := setup(t, telemetry.KindStreamStats, settings())
	if answer, _ := b.do(t, post(own, readFile(t, "streams-thirty-seconds.json"))); answer.Body != `{"accepted":60,"rejected":[]}` {
		t.Errorf("%s", answer.Body)
	}
	answer, body := b.do(t, post(own, readFile(t, "streams-wrong-clocks.json")))
	first := body["rejected"].([]any)[0].(map[string]any)
	if body["accepted"] != 6.0 || len(body["rejected"].([]any)) != 9 || first["index"] != 4.0 || first["code"] != "timestamp_out_of_range" {
		t.Errorf("%s", answer.Body)
	}
}

func TestTwoHourReportIsTaken(t *testing.T) {
	t.Parallel()
	seconds := strings.TrimSuffix(strings.Repeat("3458880000,", 7200), ",")
	series := fmt.Sprintf(`{"packetsCount":[%s],"packetsLost":[%[1]s],"audioLevel":[%[1]s],"jitterBufferMillis":[%[1]s],"roundTripTimeMillis":[%[1]s]}`, seconds)
	body := `{"agent":"a","report":{"callEndTime":"2026-11-24T08:59:00Z","softphoneStreamPerSecondStatistics":{"AUDIO_INPUT":` +
		series + `,"AUDIO_OUTPUT":` + series + `}}}`
	b := setup(t, telemetry.KindCallReport, settings())
	if answer, _ := b.do(t, post(own, zip(t, []byte(body)))); answer.StatusCode != http.StatusAccepted || len(body) < 790_000 {
		t.Fatalf("%d bytes: %d %s", len(body), answer.StatusCode, answer.Body)
	}
	if kept := b.queue.kept[0].Records[0].Doc; len(kept) < 790_000 {
		t.Errorf("only %d bytes kept", len(kept))
	}
}

func TestSuspendedTenantIsGone(t *testing.T) {
	t.Parallel()
	s := settings()
	s.Suspended = true
	b := setup(t, telemetry.KindStreamStats, s)
	answer, body := b.do(t, post(own, readFile(t, "streams-thirty-seconds.json")))
	if answer.StatusCode != http.StatusGone || body["code"] != "telemetry.suspended" || answer.Headers["access-control-allow-origin"] != own || len(b.queue.kept) > 0 {
		t.Errorf("%d %s", answer.StatusCode, answer.Body)
	}
}

func TestQueueThatTakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, telemetry.KindStreamStats, settings())
	b.queue.err = errors.New("connection refused")
	answer, body := b.do(t, post(own, readFile(t, "streams-thirty-seconds.json")))
	if answer.StatusCode != http.StatusServiceUnavailable || body["code"] != "telemetry.queue_unavailable" || answer.Headers["retry-after"] == "" ||
		answer.Headers["access-control-expose-headers"] != "retry-after" || strings.Contains(answer.Body, "refused") {
		t.Errorf("%d %s %v", answer.StatusCode, answer.Body, answer.Headers)
	}
	if !strings.Contains(b.log.String(), "connection refused") {
		t.Error("the log has no cause")
	}
}

// A queue that is too slow leaves time to say so.
func TestAnswerComesBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, telemetry.KindStreamStats, settings())
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(400*time.Millisecond))
		defer cancel()
		answer, err := b.Handle(ctx, post(own, readFile(t, "streams-thirty-seconds.json")))
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || ctx.Err() != nil {
			t.Errorf("%d %v %v", answer.StatusCode, err, ctx.Err())
		}
	})
}

// The address is that of the connection; a header can say anything.
func TestForwardedAddressIsNotRead(t *testing.T) {
	t.Parallel()
	s := settings()
	s.IPPrivacy = tenant.IPTruncated
	for want, s := range map[string]Settings{`"agentPublicIp":"203.0.113.77"`: settings(), `"agentPublicIp":"203.0.113.0"`: s} {
		b := setup(t, telemetry.KindStreamStats, s)
		b.do(t, post(own, readFile(t, "streams-thirty-seconds.json")))
		doc := string(b.queue.kept[0].Records[0].Doc)
		if !strings.Contains(doc, want) || strings.Contains(doc, "198.51.100") {
			t.Errorf("no %s in %s", want, doc)
		}
	}
}

func TestEnvelopeSaysWhereItCameIn(t *testing.T) {
	t.Parallel()
	b := setup(t, telemetry.KindStreamStats, settings())
	b.do(t, post(own, []byte(`{"agent":"earshot.probe","softphoneStreamStatistics":[{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T08:59:00Z"}]}`)))
	e := b.queue.kept[0]
	if e.Tenant != "acme" || e.Kind != telemetry.KindStreamStats || !e.Probe || e.Ingest.Pusher != "streamstats-pusher" || e.Ingest.ReceivedAt.Time() != base {
		t.Errorf("envelope %+v", e)
	}
}

// No mark of a secret, a body or an address is in an envelope, a document, an answer or a log line, whatever is done to
// the body and whatever breaks.
func TestNoSecretPassesThePusher(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("../telemetry/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		body := readFile(t, file.Name())
		packed := zip(t, body)
		for _, kind := range []string{telemetry.KindStreamStats, telemetry.KindCallReport, telemetry.KindAPIMetric} {
			for i, request := range []events.APIGatewayProxyRequest{
				post(own, body), post(own, body[:len(body)/2]), post(own, packed), post(own, packed[:len(packed)/2]), post("https://CANARY.example", body),
			} {
				for _, broken := range []error{nil, errors.New("no queue")} {
					b := setup(t, kind, settings())
					b.queue.err = broken
					answer, _ := b.do(t, request)
					said := []byte(answer.Body + fmt.Sprint(answer.Headers) + b.log.String())
					for _, e := range b.queue.kept {
						text, _ := e.Marshal()
						said = append(said, text...)
						documents, _ := telemetry.Documents(e, nil)
						for _, d := range documents {
							said = append(said, d.Source...)
						}
					}
					if bytes.Contains(said, []byte("CANARY")) || bytes.Contains(said, []byte("SECRET")) {
						t.Errorf("%s as %s, request %d: a secret passes", file.Name(), kind, i)
					}
					if log := b.log.String(); strings.Contains(log, "203.0.113") || strings.Contains(log, "mira.holm") || strings.Contains(log, "10.44.0") {
						t.Errorf("%s: the log names somebody: %s", file.Name(), log)
					}
				}
			}
		}
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	b := setup(t, telemetry.KindStreamStats, settings())
	b.do(t, post(own, readFile(t, "streams-wrong-clocks.json")))
	var line map[string]any
	if err := json.Unmarshal(b.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"tenant": "acme", "kind": telemetry.KindStreamStats, "status": 207.0, "request_id": "r-1", "accepted": 6.0, "rejected": 9.0,
		"dropped_members": 6.0, "without_contact": 0.0, "decoded_bytes": 4167.0,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
}

// A stranger's records are taken like anybody's, marked and counted.
func TestStrangersAreMarkedAndCounted(t *testing.T) {
	t.Parallel()
	d, err := agents.Parse([]byte(`{"v":1,"instanceArn":"arn:i","takenAt":"2026-11-24T08:00:00Z","agents":[{"username":"mira.holm","id":"a","name":"Mira Holm","group":-1,"routingProfile":-1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for agent, row := range map[string]struct {
		counted float64
		says    string
	}{
		"mira.holm": {0, `"agentName":"Mira Holm","agentKnown":true`}, "mallory": {1, `"agentKnown":false`},
	} {
		b := setup(t, telemetry.KindStreamStats, settings())
		b.book.known = agents.Book{"acme": d}
		answer, _ := b.do(t, post(own, []byte(`{"agent":"`+agent+`","softphoneStreamStatistics":[{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T08:59:00Z"}]}`)))
		counted, _ := figures.Parse(b.log.String())
		if answer.StatusCode != http.StatusAccepted || counted.Counts[figures.UnknownAgents] != row.counted {
			t.Errorf("%s: %d, counted %v", agent, answer.StatusCode, counted.Counts)
		}
		if doc := string(b.queue.kept[0].Records[0].Doc); !strings.Contains(doc, row.says) {
			t.Errorf("%s: %s", agent, doc)
		}
		if strings.Contains(b.log.String(), agent) {
			t.Errorf("the log names %s", agent)
		}
	}
}

// The same line holds the figures, and of a tenant and its function alone.
func TestFigures(t *testing.T) {
	t.Parallel()
	probe := []byte(`{"agent":"earshot.probe","contactId":"c","softphoneStreamStatistics":[{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T08:59:00Z"}]}`)
	tests := []struct {
		name     string
		body     []byte
		origin   string
		queueErr error
		want     map[string]float64 // nil: none
	}{
		{"a part of a batch", readFile(t, "streams-wrong-clocks.json"), own, nil,
			map[string]float64{"RecordsIn": 6, "Rejected.timestamp_out_of_range": 6, "Rejected.timestamp_missing": 1, "Rejected.timestamp_invalid": 2}},
		{"first samples that hold what was before", []byte(`{"agent":"a","contactId":"c","softphoneStreamStatistics":[
			{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T08:59:00Z","packetsCount":151,"packetsLost":0},
			{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T08:59:01Z","packetsCount":150,"packetsLost":0}]}`), own, nil,
			map[string]float64{"RecordsIn": 2, "SuspectSamples": 1}},
		{"another origin", []byte(`{}`), "https://evil.example", nil, map[string]float64{"Refused.telemetry.origin_refused": 1}},
		{"no JSON", []byte(`{`), own, nil, map[string]float64{"Refused.telemetry.body_not_json": 1}},
		{"no queue", readFile(t, "streams-thirty-seconds.json"), own, errors.New("down"), map[string]float64{"Refused.telemetry.queue_unavailable": 1}},
		{"the synthetic call", probe, own, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, telemetry.KindStreamStats, settings())
			b.queue.err = test.queueErr
			b.do(t, post(test.origin, test.body))
			line := b.log.String()
			got, isThere := figures.Parse(line)
			if isThere != (test.want != nil) || !maps.Equal(got.Counts, test.want) {
				t.Errorf("counted %v, want %v, in %s", got.Counts, test.want, line)
			}
			if isThere && (got.Tenant != "acme" || got.Function != "streamstats-pusher" || !got.At.Equal(base)) {
				t.Errorf("figures of %s, %s at %s", got.Tenant, got.Function, got.At)
			}
			if isThere {
				figurestest.Check(t, line)
			}
		})
	}
}
