package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/internal/settings"
)

var browserLog = flag.Bool("browser-log", false, "show what the browser logs")

const streamsJS = "../../softphone/node_modules/amazon-connect-streams/release/connect-streams-min.js"

// world is a simulator, a page of a company that frames its CCP, and a browser in front of that page.
type world struct {
	t         *testing.T
	standIn   bool   // the RTC session is the stand-in's
	simulator string // URL, on 127.0.0.1
	ccp       string // URL for browsers
	host      string // URL for browsers
	events    chan hostEvent
	seen      []hostEvent
}

type hostEvent struct {
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

func newWorld(t *testing.T, change func(*simulatorSettings)) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("opens a browser")
	}
	if _, err := os.Stat(streamsJS); err != nil {
		t.Fatal("amazon-connect-streams is not there: run make test, which installs it, or go test -short")
	}
	s, err := settings.Load[simulatorSettings]() // EARSHOT_RTC_JS has the same tests run on the real RTC library
	require.NoError(t, err)
	s.Listen, s.MediaAddress, s.Streams = "127.0.0.1:0", "127.0.0.1", streamsJS
	if change != nil {
		change(&s)
	}
	simulator, err := newSimulator(t.Context(), s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, simulator.Run(t.Context()))
	t.Cleanup(func() { _ = simulator.Close(t.Context()) })
	port := simulator.server.Addr()[strings.LastIndex(simulator.server.Addr(), ":"):]
	w := &world{
		t: t, standIn: s.RTC == "", simulator: "http://127.0.0.1" + port, ccp: "http://ccp.localhost" + port + "/ccp-v2/", events: make(chan hostEvent, 10_000),
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir("testdata")))
	mux.HandleFunc("GET /connect-streams.js", func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, streamsJS) })
	library := s.RTC
	if library == "" {
		library = "internal/site/page/rtc.js"
	}
	mux.HandleFunc("GET /connect-rtc.js", func(rw http.ResponseWriter, r *http.Request) { http.ServeFile(rw, r, library) })
	mux.HandleFunc("POST /events", func(_ http.ResponseWriter, r *http.Request) {
		var e hostEvent
		if json.NewDecoder(r.Body).Decode(&e) == nil {
			w.events <- e
		}
	})
	host := httptest.NewServer(mux)
	t.Cleanup(host.Close)
	w.host = "http://acme.localhost" + host.URL[strings.LastIndex(host.URL, ":"):]
	return w
}

// open has a browser with a made-up microphone open the company's page.
func (w *world) open(agent string, query url.Values) {
	w.t.Helper()
	query.Set("ccp", w.ccp+"?agent="+agent)
	w.browse(w.host + "/host.html?" + query.Encode())
}

func (w *world) browse(address string, flags ...string) {
	w.t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		w.t.Fatal("there is no chromium on the path: run make test, which installs it, or go test -short")
	}
	browser := exec.Command(chromium, append([]string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" + w.t.TempDir(),
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
		"--allow-loopback-in-peer-connection", "--disable-background-networking",
	}, append(flags, address)...)...)
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if *browserLog {
		browser.Args = append(browser.Args, "--enable-logging=stderr")
		browser.Stderr = os.Stderr
	}
	require.NoError(w.t, browser.Start())
	w.t.Cleanup(func() { // before the folder goes
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		_ = browser.Wait()
	})
}

// await takes events until the first of that name.
func (w *world) await(name string) json.RawMessage {
	w.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case e := <-w.events:
			w.seen = append(w.seen, e)
			require.NotEqual(w.t, "error", e.Name, "%s", e.Data)
			if e.Name == name {
				return e.Data
			}
		case <-deadline:
			w.t.Fatalf("no %s; seen: %v", name, w.names())
		}
	}
}

func (w *world) names() (names []string) {
	for _, e := range w.seen {
		names = append(names, e.Name)
	}
	return names
}

// drive asks the control API.
func (w *world) drive(method, path string, body, into any) {
	w.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(w.t, err)
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.simulator+path, bytes.NewReader(text))
	require.NoError(w.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	require.Less(w.t, answer.StatusCode, 300, "%s", content)
	if into != nil {
		require.NoError(w.t, json.Unmarshal(content, into))
	}
}

func (w *world) place(order map[string]any) (id string) {
	w.t.Helper()
	var placed struct{ ID string }
	w.drive(http.MethodPost, "/sim/ccp/contacts", order, &placed)
	return placed.ID
}

// sample is one second of a direction, as Connect's library tells it.
type sample struct {
	Type       string   `json:"softphoneStreamType"`
	Lost       int      `json:"packetsLost"`
	Count      int      `json:"packetsCount"`
	AudioLevel *int     `json:"audioLevel"`
	Jitter     *float64 `json:"jitterBufferMillis"`
	RoundTrip  *float64 `json:"roundTripTimeMillis"`
}

// samples are those of every batch seen so far.
func (w *world) samples() (input, output []sample) {
	w.t.Helper()
	for _, e := range w.seen {
		if e.Name != "softphone_stats" {
			continue
		}
		var batch struct{ Stats []sample }
		require.NoError(w.t, json.Unmarshal(e.Data, &batch))
		for _, s := range batch.Stats {
			if s.Type == "audio_input" {
				input = append(input, s)
			} else {
				output = append(output, s)
			}
		}
	}
	return input, output
}

type report struct {
	ContactID string `json:"contactId"`
	Report    struct {
		IceCollectionTimeMillis, TalkingTimeMillis                float64
		HandshakingFailure, UserBusyFailure, IceCollectionFailure bool
	} `json:"report"`
}

func (w *world) report() (r report) {
	w.t.Helper()
	require.NoError(w.t, json.Unmarshal(w.await("softphone_report"), &r))
	return r
}

func total(samples []sample) (lost, count int) {
	for _, s := range samples {
		lost, count = lost+s.Lost, count+s.Count
	}
	return lost, count
}

func TestAnAgentTakesACallWithConnectsRealLibrary(t *testing.T) {
	w := newWorld(t, nil)
	w.open("mira.holm", url.Values{"seconds": {"5"}})
	assert.JSONEq(t, `{"name": "mira.holm", "profile": "Retail Voice", "state": "Available"}`, string(w.await("agent")))
	id := w.place(map[string]any{"agent": "mira.holm", "queue": "Billing"})
	assert.JSONEq(t, `{"queue": "Billing"}`, string(w.await("connecting")))
	w.await("connected")
	assert.JSONEq(t, "false", string(w.await("sound")), "the customer is heard in the frame")
	r := w.report()
	assert.Equal(t, id, r.ContactID)
	assert.Greater(t, r.Report.TalkingTimeMillis, 4000.0)
	w.await("softphone_stats")
	input, output := w.samples()
	require.GreaterOrEqual(t, len(input), 4)
	require.GreaterOrEqual(t, len(output), 4)
	lost, heard := total(input)
	assert.Zero(t, lost)
	assert.GreaterOrEqual(t, heard, 30*len(input), "about fifty a second reach the agent")
	_, sent := total(output)
	assert.GreaterOrEqual(t, sent, 30*len(output), "and leave the agent")
	if level := input[len(input)-1].AudioLevel; level != nil || w.standIn { // connect-rtc-js 1.1.14 knows none
		require.NotNil(t, level)
		assert.Greater(t, *level, 100, "a tone is heard")
	}
	var contacts []struct {
		Media struct {
			Received int `json:"packets_received"`
		} `json:"media"`
	}
	w.drive(http.MethodGet, "/sim/ccp/contacts", nil, &contacts)
	require.Len(t, contacts, 1)
	assert.GreaterOrEqual(t, contacts[0].Media.Received, sent*9/10, "what the agent sent has arrived")
	var calls []struct{ Method string }
	w.drive(http.MethodGet, "/sim/ccp/calls", nil, &calls)
	assert.Contains(t, fmt.Sprint(calls), "sendSoftphoneCallReport")
	assert.Contains(t, w.names(), "api_metric")
}

func TestAPageThatOwnsTheMediaTakesACall(t *testing.T) {
	w := newWorld(t, nil)
	w.open("mira.holm", url.Values{"seconds": {"6"}, "media_owner": {"page"}})
	w.await("agent")
	id := w.place(map[string]any{"agent": "mira.holm"})
	w.await("connected")
	assert.JSONEq(t, "true", string(w.await("sound")), "the customer is heard in the page")
	assert.Equal(t, id, w.report().ContactID)
	w.await("softphone_stats")
	input, output := w.samples()
	require.GreaterOrEqual(t, len(input), 4)
	require.GreaterOrEqual(t, len(output), 4)
	_, heard := total(input)
	_, sent := total(output)
	assert.GreaterOrEqual(t, heard, 30*len(input))
	assert.GreaterOrEqual(t, sent, 30*len(output))
}

func TestLossInTheRelayShowsInTheBrowsersNumbers(t *testing.T) {
	w := newWorld(t, func(s *simulatorSettings) { s.BufferDelay = true })
	impairment := map[string]any{"loss": 0.05, "delay_millis": 40, "jitter_millis": 20}
	w.drive(http.MethodPut, "/sim/impairments", map[string]any{"to_agent": impairment, "from_agent": impairment}, nil)
	w.open("mira.holm", url.Values{})
	w.await("agent")
	id := w.place(map[string]any{"agent": "mira.holm", "length_seconds": 10})
	w.await("connected")
	assert.Equal(t, id, w.report().ContactID, "the customer hangs up, and the report comes")
	w.await("softphone_stats")
	input, output := w.samples()
	lost, heard := total(input)
	assert.InDelta(t, 0.05, float64(lost)/float64(lost+heard), 0.04)
	lost, _ = total(output)
	assert.Positive(t, lost, "the far side says what it missed")
	last := output[len(output)-1]
	require.NotNil(t, last.RoundTrip)
	assert.GreaterOrEqual(t, *last.RoundTrip, 80.0, "forty milliseconds each way")
	if w.standIn {
		assert.Greater(t, *input[len(input)-1].Jitter, 2000.0, "the second dialect only grows")
	}
}

func TestABusySoftphoneReportsItsFailure(t *testing.T) {
	w := newWorld(t, nil)
	w.drive(http.MethodPut, "/sim/ccp/faults", map[string]any{"invite_code": 486, "invite_times": 1}, nil)
	w.open("mira.holm", url.Values{"then": {"ignore"}})
	w.await("agent")
	w.place(map[string]any{"agent": "mira.holm"})
	r := w.report()
	assert.True(t, r.Report.UserBusyFailure)
	assert.True(t, r.Report.HandshakingFailure)
}

func TestWithoutARelayTheCallFailsAtICE(t *testing.T) {
	w := newWorld(t, nil)
	w.drive(http.MethodPut, "/sim/impairments", map[string]any{"unreachable": true}, nil)
	w.open("mira.holm", url.Values{"then": {"ignore"}})
	w.await("agent")
	w.place(map[string]any{"agent": "mira.holm"})
	r := w.report()
	assert.True(t, r.Report.IceCollectionFailure)
	assert.GreaterOrEqual(t, r.Report.IceCollectionTimeMillis, 7900.0)
}

func TestASignedOutAgentIsToldAndTheFrameSignsInAnew(t *testing.T) {
	w := newWorld(t, nil)
	w.open("mira.holm", url.Values{})
	w.await("agent")
	w.drive(http.MethodDelete, "/sim/ccp/agents/mira.holm", nil, nil)
	w.await("terminated")
	require.Eventually(t, func() bool {
		var agents []struct {
			SignedIn bool `json:"signed_in"`
			Browsers int
		}
		w.drive(http.MethodGet, "/sim/ccp/agents", nil, &agents)
		return agents[0].SignedIn && agents[0].Browsers == 1
	}, time.Minute, 100*time.Millisecond)
}

// The library gives every call that is up the same microphone track: the end of one must not silence the other.
func TestACallGoesOnWhenTheOtherHasEnded(t *testing.T) {
	w := newWorld(t, nil)
	w.open("mira.holm", url.Values{})
	w.await("agent")
	first := w.place(map[string]any{"agent": "mira.holm"})
	w.await("connected")
	<-time.After(3 * time.Second) // in a call that has just begun the library may yet change tracks, and then silences both
	second := w.place(map[string]any{"agent": "mira.holm", "length_seconds": 8})
	w.await("connected")
	w.drive(http.MethodPost, "/sim/ccp/contacts/"+first+"/hang-up", nil, nil)
	assert.Equal(t, first, w.report().ContactID)
	w.await("softphone_stats")
	w.seen = nil
	assert.Equal(t, second, w.report().ContactID)
	w.await("softphone_stats")
	input, output := w.samples()
	require.GreaterOrEqual(t, min(len(input), len(output)), 4)
	for _, s := range append(input[len(input)-4:], output[len(output)-4:]...) {
		assert.GreaterOrEqual(t, s.Count, 30, "packets in a second of %s", s.Type)
	}
}
