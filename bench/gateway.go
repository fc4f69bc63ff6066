package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
)

// What the stand-in for Dashboards does: it takes so long, and says so much. A real one, by hand and on a machine with much other work,
// took 104 ms for a search.
const (
	dashboardsTakes = 50 * time.Millisecond
	dashboardsSays  = 20 << 10
)

// behindGateway compares answers of a stand-in for Dashboards, asked directly and through the gateway, to fifty callers at once.
// Callers, gateway and stand-in share the machine.
func behindGateway(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const rounds, requests = 7, 1000
	dashboards, err := newStandIn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dashboards.Close() }()
	front, err := b.newFront(ctx, "http://"+dashboards.Addr)
	if err != nil {
		return nil, err
	}
	defer front.close()
	direct := &front.direct
	var p50, p99 [2][]float64 // of the gateway, of the stand-in
	for round := range b.repeat("gateway", rounds+1) {
		for i, at := range []*caller{&front.through, direct} {
			took, err := at.times(ctx, requests)
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first warms both up
				p50[i], p99[i] = append(p50[i], sheet.Percentile(took, 50)), append(p99[i], sheet.Percentile(took, 99))
			}
		}
	}
	var figures []sheet.Figure
	for _, f := range []struct {
		id, what string
		aim      float64
		took     [2][]float64
	}{{"gateway_p50_over_direct", "half", 1.1, p50}, {"gateway_p99_over_direct", "99 %", 1.5, p99}} {
		ratio, spread := sheet.Ratio(f.took[0], f.took[1])
		figures = append(figures, sheet.Figure{
			ID: f.id, Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: f.aim, Runs: len(f.took[0]), Spread: spread,
			What: fmt.Sprintf("%s of %d questions of 50 callers at once within %.1f ms through the gateway, over %.1f ms asked directly", f.what, requests, sheet.Median(f.took[0]), sheet.Median(f.took[1])),
		})
	}
	return figures, nil
}

// newStandIn answers like Dashboards: after a while, with JSON.
func newStandIn(ctx context.Context) (*http.Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	answer := []byte(`{"rawResponse":"` + strings.Repeat("x", dashboardsSays) + `"}`)
	server := &http.Server{Addr: listener.Addr().String(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-time.After(dashboardsTakes):
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})}
	go func() { _ = server.Serve(listener) }() // until it is closed
	return server, nil
}

// A front is a second gateway of the product, before a Dashboards.
type front struct {
	service         *exec.Cmd
	through, direct caller
}

func (f *front) close() {
	_ = f.service.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = f.service.Wait()                          // how it ends says nothing
}

// newFront starts one with the settings of the product's own, whose sessions it takes.
func (b *bench) newFront(ctx context.Context, dashboards string) (*front, error) {
	own, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.stack.Processes["gateway"]))
	if err != nil {
		return nil, err
	}
	listen, metrics, err := twoAddresses(ctx)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{
		"EARSHOT_LISTEN": listen, "EARSHOT_METRICS_LISTEN": metrics, "EARSHOT_PERSON_RATE": "0", "EARSHOT_TENANT_RATE": "0",
		"EARSHOT_DASHBOARDS_AUTH": "proxy", "EARSHOT_DASHBOARDS_URL": dashboards, "EARSHOT_DASHBOARDS_SEARCH": "",
	}
	f := &front{service: exec.CommandContext(ctx, filepath.Join(b.stack.Root, ".local", "bin", "gateway"))}
	f.service.Env = slices.DeleteFunc(strings.Split(strings.TrimRight(string(own), "\x00"), "\x00"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		_, isOurs := settings[name]
		return isOurs
	})
	for name, value := range settings {
		f.service.Env = append(f.service.Env, name+"="+value)
	}
	if err := f.service.Start(); err != nil {
		return nil, err
	}
	host, cookie, err := b.signIn(ctx)
	if err == nil {
		err = ready(ctx, "http://"+metrics+"/readyz")
	}
	if err != nil {
		f.close()
		return nil, err
	}
	const path = "/internal/search/opensearch"
	f.through = caller{url: "http://" + listen + path, host: host, cookie: cookie, client: newClient()}
	f.direct = caller{url: dashboards + path, client: newClient()}
	return f, nil
}

func newClient() *http.Client {
	const callers = 50
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers, DisableCompression: true}}
}

func ready(ctx context.Context, address string) error {
	const patience = 20 * time.Second
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return rig.Until(waiting, 50*time.Millisecond, func() (bool, error) {
		request, err := http.NewRequestWithContext(waiting, http.MethodGet, address, nil)
		if err != nil {
			return false, err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // it is not there yet
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK, nil
	})
}

// signIn signs the demonstration tenant's manager in at the product's own gateway, and returns its host and the session's cookie.
func (b *bench) signIn(ctx context.Context) (host, cookie string, err error) {
	own, err := url.Parse(b.stack.Gateway)
	if err != nil {
		return "", "", err
	}
	host = string(demo) + ".localhost:" + own.Port()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", "", err
	}
	dialer := &net.Dialer{}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address) // all names end on this machine
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}}
	page, text, err := browse(ctx, browser, http.MethodGet, "http://"+host+"/auth/sign-in", nil)
	if err != nil {
		return "", "", err
	}
	form := url.Values{"username": {b.stack.DemoManager.Username}, "password": {b.stack.DemoManager.Password}}
	for _, input := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		form.Set(input[1], html.UnescapeString(input[2]))
	}
	if _, _, err := browse(ctx, browser, http.MethodPost, page.Scheme+"://"+page.Host+"/login", strings.NewReader(form.Encode())); err != nil {
		return "", "", err
	}
	for _, c := range jar.Cookies(&url.URL{Scheme: "http", Host: host, Path: "/"}) {
		if strings.HasSuffix(c.Name, "-session") {
			return host, c.Name + "=" + c.Value, nil
		}
	}
	return "", "", errors.New("the sign-in brought no session")
}

// browse returns where a request ended, and the page there.
func browse(ctx context.Context, browser *http.Client, method, address string, form io.Reader) (*url.URL, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, form)
	if err != nil {
		return nil, "", err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.Request.URL, string(text), err
}

// A caller asks one question again and again.
type caller struct {
	url, host, cookie string
	client            *http.Client
}

// times returns how long each of so many questions of fifty callers at once takes, in milliseconds.
func (c *caller) times(ctx context.Context, questions int) ([]float64, error) {
	const callers = 50
	took := make([]float64, questions)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callers)
	for i := range questions {
		group.Go(func() (err error) {
			took[i], err = c.time(ctx)
			return err
		})
	}
	return took, group.Wait()
}

func (c *caller) time(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader([]byte(`{"params":{"index":"acme-callsummary-*","body":{"size":20}}}`)))
	if err != nil {
		return 0, err
	}
	request.Host = c.host
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Osd-Xsrf", "true")
	if c.cookie != "" {
		request.Header.Set("Cookie", c.cookie)
	}
	began := time.Now()
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	read, err := io.Copy(io.Discard, answer.Body)
	took := float64(time.Since(began).Microseconds()) / 1000
	if err == nil && (answer.StatusCode != http.StatusOK || read < dashboardsSays) {
		err = fmt.Errorf("%s answers %d with %d bytes", c.url, answer.StatusCode, read)
	}
	return took, err
}
