package main

import (
	"mime"
	"path"
	"regexp"
)

const (
	configName = "config.json"
	indexName  = "index.html"

	always = "no-cache"                            // asked for again each time; unchanged it costs an empty answer
	once   = "public, max-age=31536000, immutable" // the name changes with the content
)

// contentTypes are those that differ from system to system; a Lambda has no list of its own.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".map":   "application/json",
	".mjs":   "text/javascript; charset=utf-8",
	".mp3":   "audio/mpeg",
	".ogg":   "audio/ogg",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".wav":   "audio/wav",
	".webp":  "image/webp",
	".woff2": "font/woff2",

	".webmanifest": "application/manifest+json",
}

func contentType(name string) string {
	extension := path.Ext(name)
	if known, isKnown := contentTypes[extension]; isKnown {
		return known
	}
	if found := mime.TypeByExtension(extension); found != "" {
		return found
	}
	return "application/octet-stream"
}

// hashed recognises a name that a build made from the content: assets/index-D7f3kQ2x.js.
var hashed = regexp.MustCompile(`^assets/.*-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

func cacheControl(name string) string {
	if hashed.MatchString(name) {
		return once
	}
	return always
}
