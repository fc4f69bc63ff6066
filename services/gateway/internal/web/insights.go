package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/problem"
)

// maxValue is the longest value of a filter: names have at most as many bytes (telemetry).
const maxValue = 256

// wrong is a question whose parameter cannot be understood.
func wrong(name, detail string) error {
	return problem.ErrInvalid.With(detail).At("/query/" + name)
}

// question reads a query. A parameter that is not among those allowed is refused: a misspelt filter must not mean "all".
func question(c *gin.Context, allowed ...string) (url.Values, error) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, problem.ErrInvalid.With("The query cannot be read: escape what is not a letter or digit.").At("/query")
	}
	for name, values := range query {
		switch {
		case !slices.Contains(allowed, name):
			return nil, wrong(name, "There is no such parameter here. Those that there are: "+strings.Join(allowed, ", ")+".")
		case len(values) != 1:
			return nil, wrong(name, "Send this parameter once.")
		case len(values[0]) > maxValue && name != "cursor", len(values[0]) > 8*maxValue, !utf8.ValidString(values[0]):
			return nil, wrong(name, "Use at most "+strconv.Itoa(maxValue)+" bytes of UTF-8.")
		}
	}
	return query, nil
}

// span reads from and to; by default it is the last day.
func (w *Web) span(query url.Values) (from, to time.Time, err error) {
	to = w.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	if text := query.Get("to"); text != "" {
		if to, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, wrong("to", "Use an instant such as 2026-11-28T10:00:00Z.")
		}
	}
	from = to.AddDate(0, 0, -1)
	if text := query.Get("from"); text != "" {
		if from, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, wrong("from", "Use an instant such as 2026-11-27T10:00:00Z.")
		}
	}
	const firstYear, lastYear = 2000, 2100
	if !from.Before(to) || to.Sub(from) > insights.LongestSpan || from.Year() < firstYear || to.Year() > lastYear {
		return from, to, wrong("from", "Use a span that ends after it begins, of at most 400 days.")
	}
	return from, to, nil
}

// ask runs a question as the tenant's reader.
func ask[T any](w *Web, c *gin.Context, question func(insights.Reader) (T, error)) {
	reader, err := w.Calls(c.Request.Context(), tenantOf(c))
	if err != nil {
		w.fail(c, problemOfSearch(err))
		return
	}
	answer, err := question(reader)
	if err != nil {
		w.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// problemOfSearch is that of a reader who cannot be had.
func problemOfSearch(err error) error {
	if _, isFault := fault.As(err); isFault {
		return err
	}
	return &away{err}
}

// away is a search that cannot be reached, and why.
type away struct{ cause error }

func (a *away) Error() string   { return insights.ErrAway.Error() + " (" + a.cause.Error() + ")" }
func (a *away) Unwrap() []error { return []error{insights.ErrAway, a.cause} }

// whoever is signed in, as the pages show it.
type whoever struct {
	Tenant      string    `json:"tenant"`
	DisplayName string    `json:"display_name"`
	Email       string    `json:"email"`
	MayEdit     bool      `json:"may_edit"`
	Until       time.Time `json:"until"`
}

func (w *Web) whoami(c *gin.Context) {
	t, p := tenantOf(c), personOf(c)
	c.JSON(http.StatusOK, whoever{t.Slug.String(), t.DisplayName, p.Email, p.Editor, p.Until})
}

func (w *Web) overview(c *gin.Context) {
	f, err := w.filter(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	ask(w, c, func(r insights.Reader) (insights.Overview, error) { return r.Overview(c.Request.Context(), f) })
}

func (w *Web) calls(c *gin.Context) {
	f, err := w.filter(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	ask(w, c, func(r insights.Reader) (insights.Page, error) { return r.Calls(c.Request.Context(), f) })
}

func (w *Web) filter(c *gin.Context) (f insights.Filter, err error) {
	query, err := question(c, append([]string{"from", "to", "limit", "cursor"}, insights.Names...)...)
	if err != nil {
		return f, err
	}
	const usualPage = 50
	f = insights.Filter{Limit: usualPage, Values: map[string]string{}, Cursor: query.Get("cursor")}
	if text := query.Get("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 || f.Limit > insights.MostCalls {
			return f, wrong("limit", "Use a whole number from 1 to "+strconv.Itoa(insights.MostCalls)+".")
		}
	}
	for _, name := range insights.Names {
		f.Values[name] = query.Get(name)
	}
	if f.Cursor != "" && (query.Get("from") == "" || query.Get("to") == "") {
		return f, wrong("cursor", "Send from and to with a cursor: the span of the first page.")
	}
	f.From, f.To, err = w.span(query)
	return f, err
}

func (w *Web) call(c *gin.Context) {
	d, err := w.detail(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, d)
}
