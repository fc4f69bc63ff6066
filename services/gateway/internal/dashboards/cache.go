package dashboards

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// largestKept is the largest asset that is kept; Dashboards' own are smaller.
const largestKept = 8 << 20

// A cache keeps the assets that Dashboards was built with. They are the same for everybody and never change: their path names the
// build.
type cache struct {
	next http.RoundTripper
	most int64

	mu   sync.Mutex
	kept *simplelru.LRU[key, *asset] // guarded by mu
	size int64                       // of all bodies; guarded by mu
}

type key struct{ host, path, encoding string }

type asset struct {
	header http.Header
	body   []byte
}

func newCache(next http.RoundTripper, most int64) *cache {
	c := &cache{next: next, most: most}
	const mostAssets = 100_000 // bytes bound it, not this
	c.kept, _ = simplelru.NewLRU(mostAssets, func(_ key, a *asset) { c.size -= int64(len(a.body)) })
	return c
}

// RoundTrip answers a GET from what is kept, or asks and keeps the answer.
func (c *cache) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		return c.next.RoundTrip(r)
	}
	k := key{r.URL.Host, r.URL.Path, r.Header.Get("Accept-Encoding")}
	c.mu.Lock()
	known, isKnown := c.kept.Get(k)
	c.mu.Unlock()
	if isKnown {
		return known.answer(r), nil
	}
	answer, err := c.next.RoundTrip(r)
	if err != nil || !mayBeKept(answer) {
		return answer, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, largestKept+1))
	if err == nil && len(body) > largestKept {
		answer.Body = &rest{io.MultiReader(bytes.NewReader(body), answer.Body), answer.Body}
		return answer, nil
	}
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	made := &asset{header: answer.Header.Clone(), body: body}
	c.keep(k, made)
	return made.answer(r), nil
}

// rest is a body of which the beginning was read.
type rest struct {
	io.Reader
	io.Closer
}

// mayBeKept reports whether the answer is a whole asset that says itself that it stays as it is.
func mayBeKept(answer *http.Response) bool {
	control := answer.Header.Get("Cache-Control")
	return answer.StatusCode == http.StatusOK && answer.ContentLength <= largestKept &&
		strings.Contains(control, "max-age=31536000") && !strings.Contains(control, "private") && answer.Header.Get("Content-Range") == ""
}

func (c *cache) keep(k key, a *asset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Remove(k)
	c.kept.Add(k, a)
	c.size += int64(len(a.body))
	for c.size > c.most && c.kept.Len() > 0 {
		c.kept.RemoveOldest()
	}
}

func (a *asset) answer(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}
}
