package api

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// GetCaller says who the caller is and what the caller may do.
func (a *API) GetCaller(ctx context.Context, _ apigen.GetCallerRequestObject) (apigen.GetCallerResponseObject, error) {
	actor := callOf(ctx).actor
	caller := apigen.GetCaller200JSONResponse{Subject: actor.Subject, Name: actor.Name, Role: apigen.CallerRole(actor.Role)}
	caller.Scope.All = actor.Scope.All
	caller.Scope.TenantIds = listed(actor.Scope.TenantIDs)
	for _, right := range actor.Rights() {
		caller.Rights = append(caller.Rights, string(right))
	}
	return caller, nil
}

// GetHealth says that the process runs.
func (a *API) GetHealth(context.Context, apigen.GetHealthRequestObject) (apigen.GetHealthResponseObject, error) {
	return apigen.GetHealth200JSONResponse{Status: apigen.HealthStatusOk}, nil
}

// GetReadiness says whether every part is there that the service needs.
func (a *API) GetReadiness(ctx context.Context, _ apigen.GetReadinessRequestObject) (apigen.GetReadinessResponseObject, error) {
	checks, err := a.Ready(ctx)
	if err != nil {
		return nil, err
	}
	return apigen.GetReadiness200JSONResponse{Status: apigen.HealthStatusOk, Checks: &checks}, nil
}

// GetSpecification returns the contract.
func (a *API) GetSpecification(context.Context, apigen.GetSpecificationRequestObject) (apigen.GetSpecificationResponseObject, error) {
	return apigen.GetSpecification200JSONResponse(a.spec.json), nil
}

// GetDocumentation returns the contract as a page.
func (a *API) GetDocumentation(context.Context, apigen.GetDocumentationRequestObject) (apigen.GetDocumentationResponseObject, error) {
	return documentation{a.spec}, nil
}

//go:embed docs.html
var docsSource string

var docsPage = template.Must(template.New("docs").Parse(docsSource))

// documentation is the page of /docs. It loads nothing from anywhere, and the browser is told so.
type documentation struct{ spec specification }

type docsOperation struct {
	Method, Path string
	*openapi3.Operation
	All     openapi3.Parameters
	Example string // of the body
}

// VisitGetDocumentationResponse implements the generated interface.
func (d documentation) VisitGetDocumentationResponse(w http.ResponseWriter) error {
	var page bytes.Buffer
	if err := docsPage.Execute(&page, map[string]any{"Info": d.spec.document.Info, "Operations": d.operations()}); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.WriteHeader(http.StatusOK)
	_, err := page.WriteTo(w)
	return err
}

func (d documentation) operations() (list []docsOperation) {
	for path, item := range d.spec.document.Paths.Map() {
		for method, operation := range item.Operations() {
			list = append(list, docsOperation{
				method, path, operation, append(append(openapi3.Parameters{}, item.Parameters...), operation.Parameters...), exampleOf(operation),
			})
		}
	}
	slices.SortFunc(list, func(a, b docsOperation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return list
}

// exampleOf is the example of a JSON body as a person writes it.
func exampleOf(o *openapi3.Operation) string {
	if o.RequestBody == nil {
		return ""
	}
	media := o.RequestBody.Value.Content.Get("application/json")
	if media == nil || media.Example == nil {
		return ""
	}
	text, err := json.MarshalIndent(media.Example, "", "  ")
	if err != nil { // it was read from such a text
		return ""
	}
	return string(text)
}
