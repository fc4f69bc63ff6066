// Package customresource answers CloudFormation's custom-resource requests of tenants' stacks.
package customresource

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/earshot-hq/earshot/internal/slug"
)

// A Request asks for one tenant's part of a custom resource. Its stack is known to be that tenant's.
type Request struct {
	Type       cfn.RequestType
	Slug       slug.Slug
	StackID    string
	properties map[string]any
}

var (
	errNotTenant = errors.New("the stack is no tenant's stack")
	errForeign   = errors.New("the stack is not that of the tenant whom the property Slug names")
)

// Properties decodes the resource's properties into a struct. A property that into lacks is an error: a template that is
// newer than the provider must not be half obeyed.
func (r Request) Properties(into any) error {
	properties := make(map[string]any, len(r.properties))
	for name, value := range r.properties {
		if name != "ServiceToken" && name != "ServiceTimeout" {
			properties[name] = value
		}
	}
	text, err := json.Marshal(properties)
	if err != nil {
		return fmt.Errorf("read properties: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read properties: %w", err)
	}
	return nil
}

// requestOf returns the request of an event, and an error when its stack may not ask for it.
func requestOf(e cfn.Event) (Request, error) {
	owner, isTenant := slug.FromStackName(stackName(e.StackID))
	if !isTenant {
		return Request{}, errNotTenant
	}
	named, _ := e.ResourceProperties["Slug"].(string)
	if named != owner.String() {
		return Request{}, errForeign
	}
	return Request{Type: e.RequestType, Slug: owner, StackID: e.StackID, properties: e.ResourceProperties}, nil
}

// stackName returns the name in arn:aws:cloudformation:<region>:<account>:stack/<name>/<uuid>, or nothing.
func stackName(stackID string) string {
	resource := stackID[strings.LastIndex(stackID, ":")+1:]
	parts := strings.Split(resource, "/")
	if !strings.HasPrefix(stackID, "arn:") || len(parts) != 3 || parts[0] != "stack" {
		return ""
	}
	return parts[1]
}
