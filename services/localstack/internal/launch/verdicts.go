package launch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

const (
	verdictTime = 3 * time.Minute // until the last call has settled here: seconds after a report
	verdictLook = time.Second
	verdictTell = 10 * time.Second // between two lines that say what is waited for
)

// A sentCall is a call of which a verdict is awaited.
type sentCall struct {
	contact string
	seconds int // of both directions
}

// A callVerdict is what demo-call prints last, a line of JSON for each call, for people and for scripts.
type callVerdict struct {
	ContactID   string            `json:"contactId"`
	Agent       string            `json:"agent"`
	Verdict     string            `json:"verdict"`
	LikelyCause string            `json:"likelyCause,omitempty"`
	Findings    []verdict.Finding `json:"findings"`
	Explanation string            `json:"explanation"`
}

// awaitVerdicts waits until search has the summary of each call, made of its report and of every second, and prints them in
// order. A summary of less is an early one: it is computed anew when the rest has come.
func (l *Launcher) awaitVerdicts(ctx context.Context, search SearchAccess, tenant slug.Slug, calls []sentCall) error {
	ctx, cancel := context.WithTimeout(ctx, verdictTime)
	defer cancel()
	client, err := search.client()
	if err != nil {
		return err
	}
	look, tell := time.NewTicker(verdictLook), time.NewTicker(verdictTell)
	defer look.Stop()
	defer tell.Stop()
	for {
		found, err := search.verdicts(ctx, client, tenant, calls)
		if err == nil && len(found) == len(calls) {
			return l.printVerdicts(calls, found)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d calls have a verdict after %v: %w", len(found), len(calls), verdictTime, ctx.Err())
		case <-tell.C:
			what := fmt.Sprintf("%d of %d, the others settle", len(found), len(calls))
			if err != nil {
				what = err.Error()
			}
			l.Console.Line("verdicts", what)
		case <-look.C:
		}
	}
}

func (l *Launcher) printVerdicts(calls []sentCall, found map[string]callVerdict) error {
	for _, call := range calls {
		line, err := json.Marshal(found[call.contact])
		if err != nil {
			return fmt.Errorf("write a verdict: %w", err)
		}
		l.Console.Text(string(line))
	}
	return nil
}

// client trusts the node's authority and nobody else.
func (s SearchAccess) client() (*http.Client, error) {
	authority, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", s.CAFile)
	}
	return &http.Client{Timeout: verdictTell, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}, nil
}

// verdicts returns those of whole calls that search has, by contact.
func (s SearchAccess) verdicts(ctx context.Context, client *http.Client, tenant slug.Slug, calls []sentCall) (map[string]callVerdict, error) {
	whole := make([]any, 0, len(calls))
	for _, call := range calls {
		whole = append(whole, map[string]any{"bool": map[string]any{"filter": []any{
			map[string]any{"term": map[string]any{"doc.contactId.keyword": call.contact}},
			map[string]any{"range": map[string]any{"doc.reportsSeen": map[string]any{"gt": 0}}},
			map[string]any{"range": map[string]any{"doc.recordsSeen": map[string]any{"gte": call.seconds}}},
		}}})
	}
	body, err := json.Marshal(map[string]any{
		"size": len(calls), "_source": map[string]any{"includes": []string{"doc"}},
		"query": map[string]any{"bool": map[string]any{"should": whole}},
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/"+tenant.KindPattern(telemetry.KindCallSummary)+"/_search", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.SetBasicAuth(s.Username, s.Password)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read only
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("search answers %s", response.Status)
	}
	var page struct {
		Hits struct {
			Hits []struct {
				Source struct {
					Doc callVerdict `json:"doc"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return nil, fmt.Errorf("read search's answer: %w", err)
	}
	found := map[string]callVerdict{}
	for _, hit := range page.Hits.Hits {
		found[hit.Source.Doc.ContactID] = hit.Source.Doc
	}
	return found, nil
}
