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

// A callVerdict is what demo-call prints last, a line of JSON for each call, for people and for scripts.
type callVerdict struct {
	ContactID   string            `json:"contactId"`
	Agent       string            `json:"agent"`
	Verdict     string            `json:"verdict"`
	LikelyCause string            `json:"likelyCause,omitempty"`
	Findings    []verdict.Finding `json:"findings"`
	Explanation string            `json:"explanation"`
}

// awaitVerdicts waits until search has the summary of each contact, of a call whose report is in it, and prints them in order.
func (l *Launcher) awaitVerdicts(ctx context.Context, search SearchAccess, tenant slug.Slug, contacts []string) error {
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
		found, err := search.verdicts(ctx, client, tenant, contacts)
		if err == nil && len(found) == len(contacts) {
			return l.printVerdicts(contacts, found)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d calls have a verdict after %v: %w", len(found), len(contacts), verdictTime, ctx.Err())
		case <-tell.C:
			what := fmt.Sprintf("%d of %d, the others settle", len(found), len(contacts))
			if err != nil {
				what = err.Error()
			}
			l.Console.Line("verdicts", what)
		case <-look.C:
		}
	}
}

func (l *Launcher) printVerdicts(contacts []string, found map[string]callVerdict) error {
	for _, contact := range contacts {
		line, err := json.Marshal(found[contact])
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

// verdicts returns those that search has, by contact.
func (s SearchAccess) verdicts(ctx context.Context, client *http.Client, tenant slug.Slug, contacts []string) (map[string]callVerdict, error) {
	body, err := json.Marshal(map[string]any{
		"size": len(contacts), "_source": map[string]any{"includes": []string{"doc"}},
		"query": map[string]any{"bool": map[string]any{"filter": []any{
			map[string]any{"terms": map[string]any{"doc.contactId.keyword": contacts}},
			map[string]any{"range": map[string]any{"doc.reportsSeen": map[string]any{"gt": 0}}},
		}}},
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
