// Package adminapi speaks to the admin API as the local stack's owner.
package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// A Client calls the API at Base with bearer tokens from Token.
type Client struct {
	Base  string
	Token func(ctx context.Context) (string, error)
}

// A Tenant is what the launcher reads of a tenant.
type Tenant struct {
	Slug      string `json:"slug"`
	State     string `json:"state"`
	Isolation string `json:"isolation"`
	URLs      struct {
		Softphone     string `json:"softphone"`
		TelemetryAPI  string `json:"telemetry_api"`
		ManagerSignIn string `json:"manager_sign_in"`
	} `json:"urls"`
	ExternalID       string            `json:"external_id"`
	ConnectInstances []ConnectInstance `json:"connect_instances"`
	ActiveOperation  string            `json:"active_operation"` // an operation's id
}

// A ConnectInstance is what the launcher reads of one.
type ConnectInstance struct {
	Alias            string `json:"alias"`
	CCPURL           string `json:"ccp_url"`
	ARN              string `json:"arn"`
	DirectoryRoleARN string `json:"directory_role_arn"`
}

// An Operation is what the launcher reads of an operation.
type Operation struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	State   string `json:"state"`
	Failure *struct {
		Code     string `json:"code"`
		Reason   string `json:"reason"`
		Resource string `json:"resource"`
	} `json:"failure"`
}

// An Event is one line of an operation's progress.
type Event struct {
	Sequence int64  `json:"sequence"`
	Step     string `json:"step"`
	Level    string `json:"level"` // info or error
	Message  string `json:"message"`
	Resource string `json:"resource"` // logical id, if it is about one
	Percent  int    `json:"percent"`
}

// A Problem is an answer that is no success.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// Onboard asks for a tenant. The key makes a repeat safe.
func (c *Client) Onboard(ctx context.Context, key string, draft any) (Operation, error) {
	var answer struct {
		Operation Operation `json:"operation"`
	}
	err := c.do(ctx, http.MethodPost, "/v1/tenants", http.Header{"Idempotency-Key": {key}}, draft, &answer)
	return answer.Operation, err
}

// Tenant reads a tenant.
func (c *Client) Tenant(ctx context.Context, slug string) (Tenant, error) {
	var tenant Tenant
	err := c.do(ctx, http.MethodGet, "/v1/tenants/"+url.PathEscape(slug), nil, nil, &tenant)
	return tenant, err
}

// ChangeSettings changes those of a tenant that are named.
func (c *Client) ChangeSettings(ctx context.Context, slug string, settings map[string]any) error {
	var answer struct{}
	body := map[string]any{"settings": settings}
	return c.do(ctx, http.MethodPatch, "/v1/tenants/"+url.PathEscape(slug), http.Header{"If-Match": {"*"}}, body, &answer)
}

// ConnectInstance gives the Connect instance of that alias its CCP and the role by which its directory is read. The operation
// is empty when it has both.
func (c *Client) ConnectInstance(ctx context.Context, slug string, instance ConnectInstance) (Operation, error) {
	var answer struct {
		Operation Operation `json:"operation"`
	}
	path := "/v1/tenants/" + url.PathEscape(slug) + "/connect-instances/" + url.PathEscape(instance.Alias)
	body := map[string]string{"ccp_url": instance.CCPURL, "directory_role_arn": instance.DirectoryRoleARN}
	err := c.do(ctx, http.MethodPatch, path, http.Header{"If-Match": {"*"}}, body, &answer)
	return answer.Operation, err
}

// InviteManager asks for a manager of a tenant, who may change its space.
func (c *Client) InviteManager(ctx context.Context, slug, email string) error {
	var answer struct{}
	return c.do(ctx, http.MethodPost, "/v1/tenants/"+url.PathEscape(slug)+"/managers", nil, map[string]string{"email": email, "group": "managers"}, &answer)
}

// Retry asks for a new attempt of the tenant's failed operation.
func (c *Client) Retry(ctx context.Context, slug string) error {
	var answer struct{}
	return c.do(ctx, http.MethodPost, "/v1/tenants/"+url.PathEscape(slug)+"/actions/retry", nil, nil, &answer)
}

// Operation reads an operation.
func (c *Client) Operation(ctx context.Context, id string) (Operation, error) {
	var operation Operation
	err := c.do(ctx, http.MethodGet, "/v1/operations/"+url.PathEscape(id), nil, nil, &operation)
	return operation, err
}

// Events reads the first events of an operation after one that has been seen.
func (c *Client) Events(ctx context.Context, id string, after int64) ([]Event, error) {
	var page struct {
		Items []Event `json:"items"`
	}
	err := c.do(ctx, http.MethodGet, "/v1/operations/"+url.PathEscape(id)+"/events?after="+strconv.FormatInt(after, 10), nil, nil, &page)
	return page.Items, err
}

func (c *Client) do(ctx context.Context, method, path string, header http.Header, body, into any) error {
	token, err := c.Token(ctx)
	if err != nil {
		return err
	}
	var sent io.Reader
	if body != nil {
		content, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Base+path, sent)
	if err != nil {
		return err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read only
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		problem := &Problem{Status: response.StatusCode, Detail: string(content)}
		_ = json.Unmarshal(content, problem) // else the text is shown as it is
		return fmt.Errorf("%s %s: %w", method, path, problem)
	}
	return json.Unmarshal(content, into)
}

// Reason is why the operation failed.
func (o Operation) Reason() error {
	if o.Failure == nil {
		return fmt.Errorf("operation %s is %s", o.ID, o.State)
	}
	return fmt.Errorf("operation %s is %s: %s: %s %s", o.ID, o.State, o.Failure.Code, o.Failure.Resource, o.Failure.Reason)
}
