// Package managerbrowser plays a manager: a headless Chromium in which the gateway's pages are opened, used and looked at.
// Imported by tests only.
package managerbrowser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/earshot-hq/earshot/internal/settings"
)

const (
	patience = time.Minute
	look     = 100 * time.Millisecond
)

// Zone is where the manager is. It is 5:45 ahead of UTC, as no machine that runs tests is.
const Zone = "Asia/Kathmandu"

// A View is how a page is looked at.
type View struct {
	Name          string
	Width, Height int64
	Scheme        string // of colours
}

// Views are those that every page has to look well in.
var Views = []View{
	{"desktop-light", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}, {"phone-light", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"},
}

// A Page is the only one of its browser.
type Page struct {
	t        *testing.T
	ctx      context.Context // chromedp keeps the page's connection in one
	axe      string
	pictures string

	mu    sync.Mutex
	loud  []saying // guarded by mu
	going sync.WaitGroup
}

// A saying is what the console was told as an error.
type saying struct{ address, text string }

// Open starts a browser. Of each host and port, Hosts says at which address it is; whatever certificate is there is believed.
// With EARSHOT_PICTURES=<folder> what is looked at is kept.
func Open(t *testing.T, hosts map[string]string) *Page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium on the path: run make test, which installs it, or go test -short")
	}
	kept, err := settings.Load[struct {
		Pictures string `env:"PICTURES"`
	}]()
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for host, address := range hosts {
		rules = append(rules, "MAP "+host+" "+address)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-GB"))
	if len(rules) > 0 {
		options = append(options, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("host-resolver-rules", strings.Join(rules, ",")))
	}
	allocator, release := chromedp.NewExecAllocator(t.Context(), options...)
	// A newer Chromium says more than the library knows.
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	p := &Page{t: t, ctx: ctx, axe: readAxe(t), pictures: kept.Pictures}
	t.Cleanup(func() { cancel(); release(); p.going.Wait() })
	p.do(chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: Zone}))
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		p.do(chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
		}))
	}
	p.listen()
	return p
}

// readAxe reads the checker that the portal's packages bring.
func readAxe(t *testing.T) string {
	t.Helper()
	const file = "portal/node_modules/axe-core/axe.min.js"
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		script, err := os.ReadFile(filepath.Join(folder, file))
		if err == nil {
			return string(script)
		}
		if above := filepath.Dir(folder); above != folder && errors.Is(err, fs.ErrNotExist) {
			folder = above
			continue
		}
		t.Fatalf("axe is not there: run make test, which installs the portal's packages, or go test -short: %v", err)
	}
}

func (p *Page) listen() {
	entries, thrown := chromedp.Events(p.ctx, log.EntryAdded), chromedp.Events(p.ctx, runtime.ExceptionThrown)
	p.going.Go(func() {
		for e, err := range entries {
			if err != nil {
				return
			}
			if e.Entry.Level == log.EntryLevelError {
				p.heard(saying{e.Entry.URL, e.Entry.Text})
			}
		}
	})
	p.going.Go(func() {
		for e, err := range thrown {
			if err != nil {
				return
			}
			p.heard(saying{e.ExceptionDetails.URL, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error()})
		}
	})
}

func (p *Page) heard(one saying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loud = append(p.loud, one)
}

// Quiet fails the test if a page has thrown an error, or its console was told of one about an address that begins so.
func (p *Page) Quiet(origin string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.loud {
		if one.address == "" || strings.HasPrefix(one.address, origin) {
			p.t.Errorf("the console says of %s: %s", one.address, one.text)
		}
	}
}

func (p *Page) do(_ any, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// within runs actions, as long as a person would wait.
func (p *Page) within(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v; the page shows: %s", what, err, p.shown())
	}
}

func (p *Page) shown() string {
	ctx, cancel := context.WithTimeout(p.ctx, 10*look)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + ' ' + document.body?.innerText")) // the page may be gone
	return text
}

// SetCookie has the browser send a cookie to an address.
func (p *Page) SetCookie(address, name, value string) {
	p.t.Helper()
	yes := true
	p.do(chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: "/", Secure: &yes, HTTPOnly: &yes}))
}

// Goto opens an address.
func (p *Page) Goto(address string) {
	p.t.Helper()
	p.within("open "+address, chromedp.Navigate(address))
}

// View has the page look so from now on.
func (p *Page) View(v View) {
	p.t.Helper()
	p.do(chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.Scheme}},
	}))
	p.within("view "+v.Name, chromedp.EmulateViewport(v.Width, v.Height))
}

// Fill types into a field, which a selector names.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	p.within("fill in "+selector, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// Press clicks what a selector names.
func (p *Page) Press(selector string) {
	p.t.Helper()
	p.within("press "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Follow clicks the link of that text.
func (p *Page) Follow(text string) {
	p.t.Helper()
	p.within("follow "+text, chromedp.Click(chromedp.Search(fmt.Sprintf(`//a[normalize-space()=%q]`, text)), chromedp.NodeVisible))
}

// PointAt moves the pointer over what a selector names, to a share of its width from the left.
func (p *Page) PointAt(selector string, share float64) {
	p.t.Helper()
	at := Value[struct{ X, Y, W, H float64 }](p, fmt.Sprintf(`(() => {
		const it = document.querySelector(%s);
		it.scrollIntoView({block: "center"});
		const box = it.getBoundingClientRect();
		return {X: box.left, Y: box.top, W: box.width, H: box.height};
	})()`, quote(selector)))
	p.within("point at "+selector, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X+at.W*share, at.Y+at.H/2))
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // a string never fails
	return string(quoted)
}

// Value is that of an expression in the page.
func Value[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%.200s: %v; the page shows: %s", expression, err, p.shown())
	}
	return value
}

// Await waits until an expression holds in the page.
func (p *Page) Await(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		// While one page gives way to the next there is nothing to ask.
		if holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && holds {
			return
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("wait for %s: the page shows: %s", what, p.shown())
		case <-tick.C:
		}
	}
}

// Text waits until the page shows a text.
func (p *Page) Text(text string) {
	p.t.Helper()
	p.Await(fmt.Sprintf("the text %q", text), fmt.Sprintf("document.body?.innerText.includes(%s)", quote(text)))
}

// Look looks at the page as it is in one view: nothing wider than the screen, nothing that axe finds. It keeps a picture.
func (p *Page) Look(name string, v View) {
	p.t.Helper()
	p.View(v)
	name += "-" + v.Name
	if over := Value[int](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		p.t.Errorf("%s is %d pixels wider than the screen", name, over)
	}
	p.Picture(name)
	Value[bool](p, p.axe+"\n;true")
	for _, one := range Value[[]string](p, `axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`) {
		p.t.Errorf("%s: axe: %s", name, one)
	}
}

// Picture keeps one of the whole page, if pictures are kept.
func (p *Page) Picture(name string) {
	p.t.Helper()
	if p.pictures == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(60))
	if err == nil {
		err = os.WriteFile(filepath.Join(p.pictures, name+".jpg"), picture, 0o600)
	}
	if err != nil {
		p.t.Error(name, err)
	}
}
