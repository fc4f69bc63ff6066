// Package site serves the stand-in's web pages: a CCP for the real amazon-connect-streams to run in, its sign-in page, and the
// page that drives the simulator. Connect's library and its RTC library are files of the operator's: neither is kept here.
package site

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/services/simulator/internal/ccp"
)

//go:embed page
var page embed.FS

var templates = template.Must(template.ParseFS(page, "page/*.html"))

// Options of a site.
type Options struct {
	// Streams is the path of a release of amazon-connect-streams, from npm.
	Streams string
	// RTC is the path of a connect-rtc.js; empty: the stand-in for its session.
	RTC string
	// BufferDelay has the stand-in give jitterBufferMillis as connect-rtc-js does from 1.3 on: a sum that only grows.
	BufferDelay bool
	// ApprovedOrigins are those that may frame the CCP, beside its own; none: all may.
	ApprovedOrigins []string
	Region          string
}

const cookieName = "simulator_agent"

type site struct {
	Options
	centre *ccp.Centre
}

// New returns the pages of one centre.
func New(centre *ccp.Centre, o Options) http.Handler {
	s := &site{o, centre}
	static, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	files := http.StripPrefix("/ccp-v2/", http.FileServerFS(static))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ccp-v2/{$}", s.frame)
	mux.HandleFunc("GET /ccp-v2/connect-streams.js", s.library(o.Streams))
	for _, name := range []string{"frame.js", "worker.js", "drive.js", "simulator.css"} {
		mux.Handle("GET /ccp-v2/"+name, files)
	}
	mux.Handle("GET /ccp-v2/rtc.js", files)
	if o.RTC != "" {
		mux.Handle("GET /ccp-v2/rtc-library.js", s.library(o.RTC))
	}
	mux.HandleFunc("GET /ccp-v2/socket", centre.ServeWorker)
	mux.HandleFunc("GET /LilyRTC", centre.ServeSignalling)
	mux.HandleFunc("GET /login", s.login)
	mux.HandleFunc("POST /login", s.signIn)
	mux.HandleFunc("GET /logout", s.signOut)
	mux.HandleFunc("GET /sim/{$}", func(w http.ResponseWriter, _ *http.Request) { show(w, "drive.html", nil) })
	return mux
}

// frame is the CCP, or the sign-in page. The query agent=… signs in without it.
func (s *site) frame(w http.ResponseWriter, r *http.Request) {
	username := r.URL.Query().Get("agent")
	if username != "" {
		if err := s.enter(w, username); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	} else if cookie, err := r.Cookie(cookieName); err == nil {
		username = cookie.Value
	}
	if !s.centre.SignedIn(username) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	if len(s.ApprovedOrigins) > 0 {
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'self' "+strings.Join(s.ApprovedOrigins, " "))
	}
	script, jitter := "rtc.js", "interarrival"
	if s.RTC != "" {
		script = "rtc-library.js"
	}
	if s.BufferDelay || s.centre.BufferDelayed(username) {
		jitter = "buffer_delay"
	}
	show(w, "frame.html", map[string]string{"Agent": username, "Region": s.Region, "Script": script, "Jitter": jitter})
}

// enter signs in. The cookie is for a frame on another site, so it is one for all; browsers take it as secure from localhost.
func (s *site) enter(w http.ResponseWriter, username string) error {
	if err := s.centre.SignIn(username); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // a frame on another site needs it
		Name: cookieName, Value: username, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode,
	})
	return nil
}

// login is never framed, as Connect's is not: the library waits in vain, and says so.
func (s *site) login(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
	names := []string{"mira.holm", "jonas.weber", "ines.costa"}
	show(w, "login.html", names)
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := s.enter(w, r.PostFormValue("agent")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/ccp-v2/", http.StatusSeeOther)
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie(cookieName)
	if err == nil {
		_ = s.centre.SignOut(cookie.Value) // whoever is out already is out
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // a frame on another site needs it
		Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode,
	})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (s *site) library(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		file, err := os.ReadFile(path)
		if err != nil {
			// The page's console shows it; nothing else would say why the CCP stays blank.
			message := fmt.Sprintf("console.error(%q);", "the simulator has no such library: "+reason(err)+": run npm ci in softphone/")
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = w.Write([]byte(message))
			return
		}
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		http.ServeContent(w, r, "library.js", time.Time{}, bytes.NewReader(file))
	}
}

func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Path
	}
	return err.Error()
}

func show(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = templates.ExecuteTemplate(w, name, data) // the reader is gone
}
