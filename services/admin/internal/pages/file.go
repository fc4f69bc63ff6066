package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// A file of the site. It is packed when it is first asked for.
type file struct {
	name    string
	content []byte
	tag     string
	packed  func() []byte // gzip; nil for what is packed already, such as fonts
}

// assets is where the build puts what carries the hash of its content in its name.
const assets = "assets/"

// types are those that systems without a list of their own do not know, or know otherwise.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".woff": "font/woff", ".woff2": "font/woff2",
}

// readSite returns the site's files by name. The one that keeps the empty folder is none of them.
func readSite(site fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		content, err := fs.ReadFile(site, name)
		files[name] = newFile(name, content)
		return err
	})
	return files, err
}

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	f := &file{name: name, content: content, tag: hex.EncodeToString(sum[:16])}
	switch path.Ext(name) {
	case ".css", ".html", ".js", ".svg":
		f.packed = sync.OnceValue(func() []byte {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, err := w.Write(content)
			if errors.Join(err, w.Close()) != nil || packed.Len() >= len(content) { // a buffer takes everything
				return nil
			}
			return packed.Bytes()
		})
	}
	return f
}

// serve answers with the file: for good, if another content would have another name.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	kind, known := types[path.Ext(f.name)]
	if !known {
		kind = mime.TypeByExtension(path.Ext(f.name))
	}
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(f.name, assets) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content, tag := f.content, f.tag
	if f.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if packed := f.packed(); packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			content, tag = packed, tag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(content))
}
