package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/readings"
	"github.com/earshot-hq/earshot/internal/verdict"
)

//go:embed pages
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"group": func(title string, shares []share) group { return group{title, shares} },
	"words": insights.Words, "labels": func() []choice { return labels }, "isPartial": isPartial, "isListed": func(name string) bool { return listed[name] != nil },
	"instant": func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
	"utc":     func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") + " UTC" },
	"usual":   func() int { return usual },
	"mos": func(score *float64) string {
		if score == nil {
			return "–"
		}
		return readings.MOS.Number(*score)
	},
	"form": func(at time.Time) string { return at.UTC().Format(formInstant) },
	"pathOf": func(s verdict.Summary) string {
		return "/insights/calls/" + url.PathEscape(s.ContactID) + "?agent=" + url.QueryEscape(s.Agent)
	},
	"length": func(s verdict.Summary) string { return clock(int64(s.EndedAt - s.StartedAt)) },
}).ParseFS(files, "pages/*.html"))

// pages adds what people look at.
func (w *Web) pages(known *gin.RouterGroup) {
	known.GET("/insights", w.front)
	known.GET("/insights/calls/:contactId", w.callPage)
	for _, name := range []string{"page.css", "page.js"} {
		known.GET("/insights/"+name, func(c *gin.Context) { c.FileFromFS("pages/"+name, http.FS(files)) })
	}
}

// nothing answers for what is not there, to people who are signed in and to others alike.
func (w *Web) nothing(c *gin.Context) {
	w.page(c, http.StatusNotFound, "There is nothing here", "This address leads nowhere. Insights shows how the calls sounded.", "/insights")
}

// ways say where the links on these pages lead to.
var ways = map[string]string{"/insights": "Open Insights", "/auth/sign-in": "Sign in"}

// page says one thing, and where to go on.
func (w *Web) page(c *gin.Context, status int, title, text, next string) {
	c.Abort()
	w.render(c, status, "message.html", map[string]any{"Title": title, "Text": text, "Next": next, "Way": ways[next], "Request": c.GetString(requestKey),
		"Again": status >= http.StatusInternalServerError || status == http.StatusTooManyRequests})
}

func (w *Web) render(c *gin.Context, status int, name string, data any) {
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, name, data); err != nil { // before anything is sent: half a page is none
		w.Log.ErrorContext(c, "a page broke", "page", name, "error", err)
		c.Status(http.StatusInternalServerError)
		return
	}
	c.Data(status, "text/html; charset=utf-8", text.Bytes())
}
