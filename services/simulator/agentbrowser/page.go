package agentbrowser

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	patience = time.Minute
	look     = 100 * time.Millisecond
)

// A Page is a softphone that is open.
type Page struct {
	ctx    context.Context // chromedp keeps the page's connection in one
	cancel context.CancelFunc
}

// counting counts what Connect's library publishes to the page, as the page's own code gets it.
const counting = `window.published = {seconds: 0, reports: 0, contacts: {}, ended: {}};
if (window === window.top) {
  const wait = setInterval(() => {
    if (!window.connect?.core?.initialized) return;
    clearInterval(wait);
    const bus = connect.core.getEventBus();
    bus.subscribe(connect.EventType.SOFTPHONE_STATS, ({contactId, stats}) => {
      published.seconds += stats.length;
      published.contacts[contactId] = (published.contacts[contactId] ?? 0) + stats.length;
    });
    bus.subscribe(connect.EventType.SOFTPHONE_REPORT, ({contactId}) => { published.reports++; published.ended[contactId] = true; });
  }, 20);
}`

func (p *Page) load(address string, scripts []string) error {
	for _, script := range append([]string{counting}, scripts...) {
		params := page.AddScriptToEvaluateOnNewDocumentParams{Source: script}
		if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, params); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Navigate(address))
}

// Close closes the page, without a question.
func (p *Page) Close() { p.cancel() }

// Reload loads it anew, as a person in a hurry does: a page with a call asks whether that is meant.
func (p *Page) Reload() error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	questions := chromedp.Events(ctx, page.JavascriptDialogOpening)
	var answering sync.WaitGroup
	answering.Go(func() {
		for _, err := range questions {
			if err != nil {
				return
			}
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}) // else the reload ends late
		}
	})
	err := chromedp.Do(ctx, chromedp.Reload())
	cancel()
	answering.Wait()
	return err
}

// Cut keeps the page from addresses of these patterns; none mends it.
func (p *Page) Cut(patterns ...string) error {
	blocked := make([]*network.BlockPattern, 0, len(patterns))
	for _, pattern := range patterns {
		blocked = append(blocked, &network.BlockPattern{URLPattern: pattern, Block: true})
	}
	_, err := chromedp.Call(p.ctx, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: blocked})
	return err
}

// evaluate runs an expression in a page, as if a person had just clicked.
func evaluate[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	clicked := true
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise, func(e *runtime.EvaluateParams) { e.UserGesture = &clicked }))
}

// Await waits until an expression holds in the page.
func (p *Page) Await(what, expression string) error {
	return p.await(what, func() (bool, error) { return evaluate[bool](p, "Boolean("+expression+")") })
}

// Text waits until the page shows a text.
func (p *Page) Text(text string) error {
	return p.Await(fmt.Sprintf("the text %q", text), fmt.Sprintf("document.body?.innerText.includes(%s)", quote(text)))
}

func (p *Page) await(what string, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		yes, err := holds()
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			text, _ := evaluate[string](p, "document.body?.innerText") // the page may be gone
			if err == nil {
				err = ctx.Err()
			}
			return fmt.Errorf("%s: %w; the page shows: %s", what, err, text)
		case <-tick.C:
		}
	}
}

// press clicks the button of that text, if it is there.
const press = `(() => {
  const button = [...document.querySelectorAll("button")].find((it) => it.textContent === %s && !it.disabled);
  button?.click();
  return button !== undefined;
})()`

// Press waits for a button of the page, and clicks it.
func (p *Page) Press(text string) error {
	return p.Await("the button "+text, fmt.Sprintf(press, quote(text)))
}

// PressInPanel waits for a button of the framed panel, and clicks it.
func (p *Page) PressInPanel(text string) error {
	return p.await("the panel's button "+text, func() (pressed bool, err error) {
		tree, err := chromedp.Call(p.ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil || len(tree.FrameTree.ChildFrames) == 0 {
			return false, err
		}
		panel := page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.ChildFrames[0].Frame.ID}
		world, err := chromedp.Call(p.ctx, page.CreateIsolatedWorld, panel)
		if err != nil {
			return false, err
		}
		yes := true
		found, err := chromedp.Call(p.ctx, runtime.Evaluate, runtime.EvaluateParams{
			Expression: fmt.Sprintf(press, quote(text)), ContextID: world.ExecutionContextID, UserGesture: &yes, ReturnByValue: &yes,
		})
		if err != nil || found.Result == nil {
			return false, err
		}
		err = json.Unmarshal(found.Result.Value, &pressed)
		return pressed, err
	})
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // a string never fails
	return string(quoted)
}

// SignIn waits for the page to ask, signs an agent in, in the window that it opens, and waits until the panel answers.
func (p *Page) SignIn(agent string) error {
	own := chromedp.FromContext(p.ctx).Target.TargetID
	window := chromedp.WaitNewTarget(p.ctx, func(info *target.Info) bool { return info.OpenerID == own })
	if err := p.Press("Sign in"); err != nil {
		return err
	}
	var id target.ID
	select {
	case id = <-window:
	case <-time.After(patience):
		return fmt.Errorf("sign in %s: no window was opened", agent)
	}
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
	defer cancel()
	login := &Page{ctx: ctx, cancel: cancel}
	fill := fmt.Sprintf(`(() => {
	  const field = document.querySelector("input[name=agent]");
	  if (field === null) return false;
	  field.value = %s;
	  field.form.requestSubmit();
	  return true;
	})()`, quote(agent))
	if err := login.Await("the sign-in page", fill); err != nil {
		return err
	}
	return p.Ready()
}

// Ready waits until the panel answers, and its softphone is built.
func (p *Page) Ready() error {
	if err := p.Text("Connected to Amazon Connect"); err != nil {
		return err
	}
	// The library builds it at the first state of the agent that comes after its configuration, and tells nobody. One comes every
	// two seconds.
	return chromedp.Do(p.ctx, chromedp.Sleep(3*time.Second))
}

// Published is what Connect's library has published to this page since it was loaded.
type Published struct {
	Seconds  int            `json:"seconds"` // of both directions
	Reports  int            `json:"reports"`
	Contacts map[string]int `json:"contacts"` // seconds by contact
}

// Published says what has come.
func (p *Page) Published() (Published, error) { return evaluate[Published](p, "published") }

// Ended waits until a call has been reported, its last batch has come, which is after the report, and all has been sent. It
// returns the seconds of both directions that the library published of it.
func (p *Page) Ended(contact string) (seconds int, err error) {
	if err := p.Await("the report of "+contact, "published.ended["+quote(contact)+"]"); err != nil {
		return 0, err
	}
	if err := chromedp.Do(p.ctx, chromedp.Sleep(2*time.Second)); err != nil { // nothing tells that a batch was the last
		return 0, err
	}
	if err := p.Text("Statistics are sent."); err != nil {
		return 0, err
	}
	now, err := p.Published()
	return now.Contacts[contact], err
}

// Read takes the value of an expression in the page, of JSON.
func (p *Page) Read(expression string, into any) error {
	text, err := evaluate[string](p, "JSON.stringify("+expression+")")
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

// Picture returns what the page looks like, as PNG.
func (p *Page) Picture() ([]byte, error) { return chromedp.Run(p.ctx, chromedp.CaptureScreenshot()) }
