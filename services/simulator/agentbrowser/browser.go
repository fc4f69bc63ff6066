// Package agentbrowser plays agents: a headless Chromium with a made-up microphone, in which people's softphones run. It is for
// demonstrations and tests.
package agentbrowser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

var errNoBrowser = errors.New("there is no chromium on the path, and no package registry has one: install your system's")

// A Browser is one process of Chromium. Close it.
type Browser struct {
	ctx    context.Context // chromedp keeps its connection in one
	cancel context.CancelFunc
}

// Start starts a browser. A folder keeps what its first profile stores, for a browser that is started again; empty, it keeps
// nothing.
func Start(ctx context.Context, folder string) (*Browser, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, errNoBrowser
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		// The simulator's media is on the loopback address.
		chromedp.Flag("allow-loopback-in-peer-connection", true),
	)
	if folder != "" {
		options = append(options, chromedp.UserDataDir(folder))
	}
	allocator, release := chromedp.NewExecAllocator(ctx, options...)
	// A newer Chromium says more than the library knows.
	inside, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	b := &Browser{ctx: inside, cancel: func() { cancel(); release() }}
	if err := chromedp.Do(inside); err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// Close ends it as a person does.
func (b *Browser) Close() { b.cancel() }

// Kill ends it as a crash does.
func (b *Browser) Kill() error {
	err := chromedp.FromContext(b.ctx).Browser.Process().Signal(syscall.SIGKILL)
	b.cancel()
	return err
}

// A Profile is a person's: cookies, storage and permissions. Pages of one share them.
type Profile struct {
	ctx context.Context // chromedp keeps the profile in one
	id  cdp.BrowserContextID
}

// Own is the profile that the browser's folder keeps.
func (b *Browser) Own() *Profile { return &Profile{ctx: b.ctx} }

// Profile makes a profile that begins empty and is forgotten with the browser.
func (b *Browser) Profile() (*Profile, error) {
	ctx, _ := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("make a profile: %w", err)
	}
	return &Profile{ctx, chromedp.FromContext(ctx).BrowserContextID}, nil
}

// Microphone allows it to every page, or denies it.
func (p *Profile) Microphone(allowed bool) error {
	change := browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "microphone"}, Setting: browser.PermissionSettingDenied, BrowserContextID: p.id,
	}
	if allowed {
		change.Setting = browser.PermissionSettingGranted
	}
	_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, change)
	return err
}

// Open opens a softphone. Before it runs, so does each script, in every document.
func (p *Profile) Open(address string, scripts ...string) (*Page, error) {
	ctx, cancel := chromedp.NewContext(p.ctx)
	page := &Page{ctx: ctx, cancel: cancel}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("open a page: %w", err)
	}
	return page, page.load(address, scripts)
}

// Enter signs an agent in to the panel without the softphone's window, for whoever does not look at that.
func (p *Profile) Enter(panel, agent string) error {
	page, err := p.Open(panel + "/?agent=" + agent)
	if err != nil {
		return err
	}
	page.Close()
	return nil
}
