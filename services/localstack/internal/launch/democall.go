package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
)

// callTime is how long the demonstration calls last. They have just ended.
const callTime = 4 * time.Minute

// demoCalls are one call of each family of library that agents have today.
var demoCalls = []struct {
	library string
	options samplecall.Options
}{
	{"connect-rtc-js up to 1.2.4", samplecall.Options{Agent: "mira.holm", Family: samplecall.Interarrival}},
	{"buffer delay, summed", samplecall.Options{Agent: "jonas.weber", Family: samplecall.BufferDelay, Scenario: samplecall.Jittery}},
	{"streams 2.28.4 and later", samplecall.Options{Agent: "ines.costa", Family: samplecall.InterarrivalPlus, Scenario: samplecall.LossyUplink}},
}

// DemoCall sends calls to a tenant as the browsers of its agents would, and prints what was accepted, how to find it, and
// when they have settled what is said of each.
func (l *Launcher) DemoCall(ctx context.Context, name string) error {
	e, found, err := l.demoTenant(ctx, name)
	if err != nil {
		return err
	}
	tenant := slug.Slug(found.Slug)
	sent := time.Now()
	began := sent.Add(-callTime)
	documents := map[string]int{}
	var contacts []string
	var calls []sentCall
	for _, demo := range demoCalls {
		options := demo.options
		options.Queue, options.RoutingProfile = "Orders EMEA", "Retail Voice"
		options.Start, options.Duration, options.Seed = began, callTime, uint64(began.UnixNano())
		call := samplecall.New(options)
		l.Console.Text(fmt.Sprintf("call of %s (%s), contact %s", options.Agent, demo.library, call.ContactID()))
		if err := l.send(ctx, found, call); err != nil {
			return err
		}
		for kind, count := range call.Documents() {
			documents[kind] += count
		}
		contacts = append(contacts, call.ContactID())
		calls = append(calls, sentCall{call.ContactID(), call.Documents()[telemetry.KindStreamStats]})
	}
	l.Console.Text(query(e.searchOf(found), tenant, sent, documents, contacts))
	return l.awaitVerdicts(ctx, e.searchOf(found), tenant, calls)
}

// demoTenant finds the tenant that calls are for.
func (l *Launcher) demoTenant(ctx context.Context, name string) (e Endpoints, found adminapi.Tenant, err error) {
	tenant, err := slug.Parse(name)
	if err != nil {
		return e, found, err
	}
	if e, err = l.endpoints(); err != nil {
		return e, found, err
	}
	api := &adminapi.Client{Base: e.AdminAPI, Token: e.token}
	if found, err = api.Tenant(ctx, string(tenant)); err != nil {
		return e, found, err
	}
	if found.URLs.TelemetryAPI == "" {
		return e, found, fmt.Errorf("tenant %s is %s and has no telemetry API yet", tenant, found.State)
	}
	return e, found, nil
}

// send posts a call's requests in order and prints what was accepted by route.
func (l *Launcher) send(ctx context.Context, tenant adminapi.Tenant, call samplecall.Call) error {
	origin := strings.ToLower(strings.TrimSuffix(tenant.URLs.Softphone, "/"))
	accepted, routes := map[string]int{}, []string{}
	for _, post := range call.Posts() {
		if err := sendPost(ctx, tenant.URLs.TelemetryAPI+"/"+post.Route, origin, post.Body); err != nil {
			return err
		}
		if accepted[post.Route] == 0 {
			routes = append(routes, post.Route)
		}
		accepted[post.Route]++
	}
	for _, route := range routes {
		l.Console.Text(fmt.Sprintf("  POST /%-17s %2d accepted", route, accepted[route]))
	}
	return nil
}

// browser reaches names below localhost as browsers do: on this machine (RFC 6761 §6.3), whatever the resolver says.
var browser = &http.Client{Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	},
}}

func sendPost(ctx context.Context, url, origin string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", origin)
	response, err := browser.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read only
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("POST %s answered %s: %s", url, response.Status, answer)
	}
	return nil
}

// query is the command that shows the documents, and the count of each kind that it must find. API metrics of the published
// page name no contact, so they are found by agent and by when they arrived.
func query(search SearchAccess, tenant slug.Slug, sent time.Time, documents map[string]int, contacts []string) string {
	var text strings.Builder
	text.WriteString("\nA few seconds after they were sent they are:\n")
	for _, kind := range slices.Sorted(maps.Keys(documents)) {
		fmt.Fprintf(&text, "  %5d documents in %s\n", documents[kind], tenant.KindPattern(kind))
	}
	agents := make([]string, len(demoCalls))
	for i, demo := range demoCalls {
		agents[i] = demo.options.Agent
	}
	fmt.Fprintf(&text, `
curl -s --cacert %s -u %s:%s \
  '%s/%s/_search?size=1&filter_path=hits.total.value,aggregations.indices.buckets,hits.hits._source&pretty' \
  -H 'content-type: application/json' -d '{
  "query": {"bool": {"should": [
    {"terms": {"doc.contactId.keyword": %s}},
    {"bool": {"must_not": {"exists": {"field": "doc.contactId"}}, "filter": [
      {"terms": {"doc.agent.keyword": %s}}, {"range": {"ingest.receivedAt": {"gte": "%s"}}}]}}]}},
  "aggs": {"indices": {"terms": {"field": "_index"}}}, "track_total_hits": true,
  "sort": [{"@timestamp": "asc"}], "_source": {"excludes": ["doc.report"]}}'`,
		search.CAFile, search.Username, search.Password, search.URL, tenant.IndexPattern(),
		jsonList(contacts), jsonList(agents), sent.UTC().Format(time.RFC3339Nano))
	return text.String()
}

func jsonList(of []string) []byte {
	content, _ := json.Marshal(of) // strings never fail
	return content
}
