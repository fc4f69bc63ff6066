package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
)

// zipped packs a body.
func zipped(body []byte) []byte {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(body) // into memory: never fails
	_ = zip.Close()
	return packed.Bytes()
}

// bombs unpack to hundreds of times of what they are.
var bombs = sync.OnceValue(func() [][]byte {
	zeros := zipped(make([]byte, 64<<20))
	return [][]byte{zeros, zipped(bytes.Repeat([]byte("["), 64<<20)), zipped(zeros)}
})

// hostile returns bodies that are made to hurt whoever reads them, made of a good one.
func hostile(good []byte) map[string][]byte {
	deep := strings.Repeat("[", 100_000)
	text := string(good)
	return map[string][]byte{
		"nothing": nil, "null": []byte("null"), "a number": []byte("1"), "a text": []byte(`"x"`), "a list": []byte("[]"), "an empty object": []byte("{}"),
		"half of it": good[:len(good)/2], "all but the end": good[:len(good)-1], "twice": append(append([]byte{}, good...), good...),
		"cut in a text": []byte(text[:strings.Index(text, `":`)-1]),
		"deep lists":    []byte(deep), "deep objects": []byte(strings.Repeat(`{"a":`, 50_000)), "deep in a member": []byte(`{"agent":` + deep + `}`),
		"closed deep lists":          []byte(`{"agent":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}`),
		"the same key twice":         []byte(strings.Replace(text, `{`, `{"agent":"one","agent":"two","AGENT":"three","slug":"one","slug":"two",`, 1)),
		"a lone surrogate":           []byte(strings.Replace(text, `{`, `{"agent":"\ud800","display_name":"\udfff\ud800",`, 1)),
		"a surrogate key":            []byte(strings.Replace(text, `{`, `{"\ud800":1,`, 1)),
		"no UTF-8":                   []byte(strings.Replace(text, `{`, "{\"agent\":\"\xff\xfe\xc0\x80\",", 1)),
		"UTF-16":                     []byte("\xff\xfe{\x00}\x00"),
		"a byte order mark":          append([]byte("\xef\xbb\xbf"), good...),
		"zero bytes":                 []byte(strings.Replace(text, `{`, `{"agent":"\u0000","contactId":"\u0000",`, 1)),
		"prototype":                  []byte(strings.Replace(text, `{`, `{"__proto__":{"x":1},"constructor":{},"":1,`, 1)),
		"NaN":                        []byte(strings.Replace(text, `{`, `{"x":NaN,"y":-Infinity,`, 1)),
		"numbers out of reach":       []byte(strings.Replace(text, `{`, `{"x":1e999999,"contactId":`+strings.Repeat("9", 5_000)+`,`, 1)),
		"a long key":                 []byte(strings.Replace(text, `{`, `{"`+strings.Repeat("k", 50_000)+`":1,`, 1)),
		"many keys":                  []byte(strings.Replace(text, `{`, `{`+strings.Repeat(`"k":1,`, 10_000), 1)),
		"a megabyte":                 bytes.Repeat([]byte(" "), 1<<20),
		"a bomb":                     bombs()[0],
		"a bomb of lists":            bombs()[1],
		"a bomb in a bomb":           bombs()[2],
		"a packed half":              zipped(good)[:len(zipped(good))/2],
		"a packed good one and more": append(zipped(good), "garbage"...),
		"a head of gzip":             {0x1f, 0x8b}, "gzip of nothing": zipped(nil), "zlib": []byte("x\x9c\x03\x00\x00\x00\x00\x01"),
	}
}

// records returns a batch of n good records.
func records(t *testing.T, n int) []byte {
	t.Helper()
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{
			"softphoneStreamType": "audio_input", "timestamp": time.Now().Add(-time.Duration(n-i) * time.Second).UTC().Format("2006-01-02T15:04:05.000Z"),
			"packetsLost": 0, "packetsCount": 50, "audioLevel": 1, "jitterBufferMillis": 1, "roundTripTimeMillis": nil,
		}
	}
	body, err := json.Marshal(map[string]any{"agent": "crowd", "contactId": "00000000-0000-4000-8000-000000000501", "contactQueue": "Q", "softphoneStreamStatistics": list})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestHostileBodies sends bodies and paths that are made to hurt to both APIs that strangers reach. Each gets an answer that
// blames the sender, nothing panics, and afterwards both work as before.
func TestHostileBodies(t *testing.T) {
	w, tenants := neighbours(t)
	tenant := tenants[acme]
	t.Run("telemetry API", func(t *testing.T) {
		call := samplecall.New(samplecall.Options{Agent: "hostile", Queue: "Q", RoutingProfile: "R", Start: time.Now().Add(-time.Minute), Duration: 10 * time.Second})
		for i, post := range call.Posts() {
			encoding := []string{"", "gzip", "br"}[i%3]
			for name, body := range hostile(post.Body) {
				blamesSender(t, post.Route+", "+name+" "+encoding, tenant.API()+"/"+post.Route, body, "Origin", tenant.Origin(), "Content-Encoding", encoding)
			}
		}
		url := tenant.API() + "/softphonemetrics"
		if status, _, answer := world.Send(t, url, tenant.Origin(), records(t, 501)); status != http.StatusRequestEntityTooLarge && status != http.StatusUnprocessableEntity {
			t.Errorf("501 records: %d %.300s", status, answer)
		}
		if status, _, answer := world.Send(t, url, tenant.Origin(), records(t, 500)); status != http.StatusAccepted {
			t.Errorf("500 records: %d %.300s", status, answer)
		}
		w.Drain(t, tenant)
	})
	t.Run("admin API", func(t *testing.T) {
		good, err := json.Marshal(world.Draft("hostile"))
		if err != nil {
			t.Fatal(err)
		}
		for name, body := range hostile(good) {
			blamesSender(t, name, w.AdminAPI+"/v1/tenants", body, "Authorization", "Bearer "+w.Token(), "Content-Type", "application/json")
			blamesSender(t, name+" of nobody", w.AdminAPI+"/v1/tenants", body, "Content-Type", "application/json")
		}
		for _, path := range []string{
			"/v1/tenants/%00", "/v1/tenants/..%2f..%2fetc%2fpasswd", "/v1/tenants/%ff", "/v1/tenants/" + strings.Repeat("a", 8_000), "/v1/tenants/acme%0d%0aX:y",
			"/v1/tenants?limit=99999999999999999999", "/v1/tenants?cursor=%00", "/v1/tenants?cursor=AAAA", "/v1/tenants?q=%00", "/v1/tenants?q=%ff", "/v1/tenants?%zz",
			"/v1/tenants?q='%20or%201=1--", "/v1/operations/%00/events", "/v1/operations/00000000-0000-0000-0000-000000000000", "/v1/operations?tenant=%27", "//", "/%2e%2e/", "/debug/pprof/", "/metrics",
		} {
			status, _, answer := world.Ask(t, http.MethodGet, w.AdminAPI+path, nil, "Authorization", "Bearer "+w.Token(), "Last-Event-ID", "-1", "Idempotency-Key", "x")
			if status >= http.StatusInternalServerError || status == http.StatusOK && !strings.Contains(path, "=%27") && !strings.Contains(path, "or%201") {
				t.Errorf("GET %s: %d %.300s", path, status, answer)
			}
		}
		if status, answer := w.Call(t, http.MethodGet, "/v1/tenants/hostile", nil); status != http.StatusNotFound {
			t.Errorf("a tenant came of it: %d %v", status, answer)
		}
	})
	for place, text := range w.Logs(t) {
		for _, word := range []string{"panic:", "goroutine ", "fatal error:", "runtime error", "request failed", "signal: killed"} {
			if at := strings.Index(text, word); at >= 0 {
				t.Errorf("%s says %.300s", place, text[at:])
			}
		}
	}
}

// blamesSender posts a body and wants an answer between 200 and 499.
func blamesSender(t *testing.T, what, url string, body []byte, headers ...string) {
	t.Helper()
	status, _, answer := world.Ask(t, http.MethodPost, url, body, headers...)
	if status >= http.StatusInternalServerError || status < http.StatusOK {
		t.Errorf("%s: %d %.300s", what, status, answer)
	}
	if status >= http.StatusBadRequest && !strings.Contains(string(answer), `"code"`) {
		t.Errorf("%s: %d without a code: %.300s", what, status, answer)
	}
}
