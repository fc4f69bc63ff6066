package web

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"
)

//go:embed pages
var files embed.FS

var templates = template.Must(template.ParseFS(files, "pages/*.html"))

// pages adds what people look at.
func (w *Web) pages(known *gin.RouterGroup) {
	known.GET("/insights", w.front)
	known.GET("/insights/calls/:contactId", w.callPage)
	known.GET("/insights/page.css", func(c *gin.Context) { c.FileFromFS("pages/page.css", http.FS(files)) })
}

// nothing answers for what is not there, to people who are signed in and to others alike.
func (w *Web) nothing(c *gin.Context) {
	w.page(c, http.StatusNotFound, "There is nothing here", "This address leads nowhere. Insights shows how the calls sounded.", "/insights")
}

// page says one thing, and where to go on.
func (w *Web) page(c *gin.Context, status int, title, text, next string) {
	c.Abort()
	w.render(c, status, "message.html", map[string]any{"Title": title, "Text": text, "Next": next, "Request": c.GetString(requestKey)})
}

func (w *Web) render(c *gin.Context, status int, name string, data any) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	if err := templates.ExecuteTemplate(c.Writer, name, data); err != nil {
		w.Log.WarnContext(c, "a page broke", "id", c.GetString(requestKey), "page", name, "error", err)
	}
}
