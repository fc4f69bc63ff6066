package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
)

const maxBody = 64 << 10

// most is how many bytes a body of the route may have.
func (r route) most() int64 {
	if most, isOwn := r.operation.Extensions["x-max-bytes"].(float64); isOwn {
		return int64(most)
	}
	return maxBody
}

// check holds a request to what the specification says of its form. What its members mean is the domain's to say.
func (r route) check(c *gin.Context) error {
	invalid := *problem.ErrInvalid
	invalid.Fields = append(r.strangers(c.Request), r.wrongParameters(c)...)
	if r.operation.RequestBody == nil {
		if c.Request.ContentLength != 0 {
			invalid.Fields = append(invalid.Fields, fault.Field{Pointer: "", Code: invalid.Code, Detail: "This request takes no body."})
		}
	} else {
		fields, err := r.checkBody(c)
		if err != nil {
			return err
		}
		invalid.Fields = append(invalid.Fields, fields...)
	}
	if len(invalid.Fields) == 0 {
		return nil
	}
	slices.SortFunc(invalid.Fields, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	invalid.Fields = slices.Compact(invalid.Fields)
	return &invalid
}

// strangers returns what of the query the specification does not know: a misspelt filter must not mean "all". Nor must one that
// cannot be read, or that no text in the database can be equal to.
func (r route) strangers(request *http.Request) (fields []fault.Field) {
	query, err := url.ParseQuery(request.URL.RawQuery)
	if err != nil {
		fields = append(fields, invalidAt("The query cannot be read: escape what is not a letter or digit.", "query"))
	}
	for name, values := range query {
		isKnown := slices.ContainsFunc(r.parameters, func(p *openapi3.ParameterRef) bool {
			return p.Value.In == openapi3.ParameterInQuery && p.Value.Name == name
		})
		switch {
		case !isKnown:
			fields = append(fields, invalidAt("There is no such parameter.", "query", name))
		case slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) || strings.Contains(v, "\x00") }):
			fields = append(fields, invalidAt("Send UTF-8 without a zero byte.", "query", name))
		}
	}
	return fields
}

func (r route) wrongParameters(c *gin.Context) (fields []fault.Field) {
	input := &openapi3filter.RequestValidationInput{
		Request: c.Request, QueryParams: c.Request.URL.Query(), PathParams: map[string]string{},
		Options: &openapi3filter.Options{SkipSettingDefaults: true},
	}
	for _, p := range c.Params {
		input.PathParams[p.Key] = p.Value
	}
	for _, p := range r.parameters {
		repeated := p.Value.In == openapi3.ParameterInQuery && len(input.QueryParams[p.Value.Name]) > 1 ||
			p.Value.In == openapi3.ParameterInHeader && len(c.Request.Header.Values(p.Value.Name)) > 1
		if repeated || openapi3filter.ValidateParameter(c, input, p.Value) != nil {
			fields = append(fields, invalidAt(describe(p.Value.Schema.Value), p.Value.In, p.Value.Name))
		}
	}
	return fields
}

func invalidAt(detail string, path ...string) fault.Field {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var pointer strings.Builder
	for _, part := range path {
		pointer.WriteString("/" + escape.Replace(part))
	}
	return fault.Field{Pointer: pointer.String(), Code: problem.ErrInvalid.Code, Detail: detail}
}

// readBody is a request's body after it was read and checked. The generated code binds the checked value.
type readBody struct {
	io.Reader
	raw   []byte
	value any
}

// Close implements io.Closer.
func (*readBody) Close() error { return nil }

// ValidatedValue is what the generated code asks for.
func (b *readBody) ValidatedValue() any { return b.value }

func (r route) checkBody(c *gin.Context) ([]fault.Field, error) {
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	schema := r.operation.RequestBody.Value.Content.Get(media)
	if err != nil || schema == nil || !slices.Contains([]string{"", "identity"}, c.GetHeader("Content-Encoding")) {
		return nil, problem.ErrMedia
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, r.most()))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problem.ErrTooLarge.With(fmt.Sprintf("The body is over %d bytes.", tooLarge.Limit))
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", problem.ErrMalformed, err)
	}
	if media != "application/json" { // a file, which the domain reads
		c.Request.Body = &readBody{Reader: bytes.NewReader(raw), raw: raw}
		return nil, nil
	}
	value, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", problem.ErrMalformed, err)
	}
	c.Request.Body = &readBody{Reader: bytes.NewReader(raw), raw: raw, value: value}
	if fields := zeroBytes(value); len(fields) > 0 {
		return fields, nil
	}
	return wrongMembers(schema.Schema.Value.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.MultiErrors())), nil
}

// decode reads exactly one JSON document. Numbers stay as they were written.
func decode(raw []byte) (value any, err error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return value, nil
}

// zeroBytes points at texts that no text in the database can be equal to.
func zeroBytes(value any, path ...string) (fields []fault.Field) {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "\x00") {
			fields = append(fields, invalidAt("Send text without a zero byte.", path...))
		}
	case []any:
		for i, member := range v {
			fields = append(fields, zeroBytes(member, append(path[:len(path):len(path)], strconv.Itoa(i))...)...)
		}
	case map[string]any:
		for name, member := range v {
			fields = append(fields, zeroBytes(member, append(path[:len(path):len(path)], name)...)...)
		}
	}
	return fields
}

// wrongMembers turns what the validator says into members and sentences of our own.
func wrongMembers(err error) (fields []fault.Field) {
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
	case errors.As(err, &many):
		for _, err := range many {
			fields = append(fields, wrongMembers(err)...)
		}
	case errors.As(err, &one) && one.SchemaField == "properties":
		fields = unknownMembers(one)
	case errors.As(err, &one):
		fields = append(fields, invalidAt(sentence(one), one.JSONPointer()...))
	default:
		fields = append(fields, invalidAt(describe(&openapi3.Schema{})))
	}
	return fields
}

// unknownMembers names the members of an object that its schema does not have; the validator points at the object only.
func unknownMembers(e *openapi3.SchemaError) (fields []fault.Field) {
	object, _ := e.Value.(map[string]any)
	for name := range object {
		if e.Schema.Properties[name] == nil {
			fields = append(fields, invalidAt("There is no such member.", append(e.JSONPointer(), name)...))
		}
	}
	return fields
}

func sentence(e *openapi3.SchemaError) string {
	switch e.SchemaField {
	case "required":
		return "This member is missing."
	case "enum":
		return describe(e.Schema)
	case "type":
		return "Use a value of type " + strings.Join(e.Schema.Type.Slice(), " or ") + "."
	}
	return "This is not what the API describes."
}
