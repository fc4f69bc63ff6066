package api

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/earshot-hq/earshot/api"
	"github.com/earshot-hq/earshot/internal/access"
)

// specification is the contract, as the routes, the validation and the documentation read it.
type specification struct {
	document *openapi3.T
	json     map[string]any
}

func loadSpecification() (specification, error) {
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(api.Specification)
	if err != nil {
		return specification{}, fmt.Errorf("read the specification: %w", err)
	}
	if err := document.Validate(loader.Context); err != nil {
		return specification{}, fmt.Errorf("the specification is wrong: %w", err)
	}
	text, err := document.MarshalJSON()
	if err != nil {
		return specification{}, fmt.Errorf("write the specification: %w", err)
	}
	s := specification{document: document}
	if err := json.Unmarshal(text, &s.json); err != nil {
		return specification{}, fmt.Errorf("write the specification: %w", err)
	}
	return s, nil
}

// A route is one operation of the specification.
type route struct {
	operation  *openapi3.Operation
	parameters openapi3.Parameters // of the path and of the operation
	open       bool                // needs no sign-in
	action     access.Action       // what the caller must be allowed to do; an action that nobody may do if none is named
	audit      string              // what a change by it, and its refusal, is called in the audit; empty: it changes nothing
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// routes returns the routes by method and path as gin writes them.
func (s specification) routes() map[string]route {
	routes := map[string]route{}
	for path, item := range s.document.Paths.Map() {
		for method, operation := range item.Operations() {
			action, _ := operation.Extensions["x-action"].(string)
			audit, _ := operation.Extensions["x-audit"].(string)
			routes[method+" "+pathParameter.ReplaceAllString(path, ":$1")] = route{
				operation:  operation,
				parameters: append(append(openapi3.Parameters{}, item.Parameters...), operation.Parameters...),
				open:       operation.Security != nil && len(*operation.Security) == 0,
				action:     access.Action(action),
				audit:      audit,
			}
		}
	}
	return routes
}

// describe says what a value must be.
func describe(s *openapi3.Schema) string {
	var words []string
	switch {
	case len(s.Enum) > 0:
		for _, value := range s.Enum {
			words = append(words, fmt.Sprint(value))
		}
		return "Use one of: " + strings.Join(words, ", ") + "."
	case s.Type.Is("integer"):
		words = append(words, "Use a whole number")
		if s.Min != nil {
			words = append(words, fmt.Sprintf("from %v", *s.Min))
		}
		if s.Max != nil {
			words = append(words, fmt.Sprintf("to %v", *s.Max))
		}
	case s.MaxLength != nil && s.Pattern != "":
		words = append(words, fmt.Sprintf("Use %d to %d characters of the form %s", s.MinLength, *s.MaxLength, s.Pattern))
	case s.MaxLength != nil:
		words = append(words, fmt.Sprintf("Use %d to %d characters", s.MinLength, *s.MaxLength))
	default:
		words = append(words, "See /openapi.json for what is expected here")
	}
	return strings.Join(words, " ") + "."
}
